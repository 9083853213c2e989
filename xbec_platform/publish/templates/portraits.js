"use strict";
(() => {
  const articles = [...document.querySelectorAll(".portrait")];
  const picker = document.getElementById("picker");
  if (!picker || !articles.length) return;
  const choice = document.getElementById("choice");
  const search = document.getElementById("search");
  const status = document.getElementById("status");
  const options = [...choice.options];
  const words = new Map(articles.map((article) => [article.id, article.textContent.toLowerCase()]));

  function show(anchor, remember) {
    for (const article of articles) article.hidden = article.id !== anchor;
    choice.value = anchor;
    if (remember) history.replaceState(null, "", "#" + anchor);
  }

  function find() {
    const wanted = search.value.trim().toLowerCase();
    const found = options.filter((option) => words.get(option.value).includes(wanted));
    for (const option of options) option.hidden = option.disabled = !found.includes(option);
    for (const group of choice.querySelectorAll("optgroup")) {
      group.hidden = [...group.children].every((option) => option.hidden);
    }
    status.textContent = wanted ? found.length + " of " + options.length + " portraits mention it" : "";
    if (found.length && !found.some((option) => option.value === choice.value)) show(found[0].value, true);
    if (!found.length) for (const article of articles) article.hidden = true;
    else if (articles.every((article) => article.hidden)) show(found[0].value, true);
  }

  function fromAddress() {
    const anchor = decodeURIComponent(location.hash.slice(1));
    show(articles.some((article) => article.id === anchor) ? anchor : articles[0].id, false);
  }

  document.documentElement.classList.add("js");
  picker.hidden = false;
  picker.addEventListener("submit", (event) => event.preventDefault());
  choice.addEventListener("change", () => show(choice.value, true));
  search.addEventListener("input", find);
  window.addEventListener("hashchange", fromAddress);
  fromAddress();
})();

"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const [picker, product, attribute, add, chips, status, results, caption, rows] =
    ["picker", "product", "attribute", "add", "chips", "status", "results", "result-caption", "rows"].map(byId);
  const heads = [...document.querySelectorAll("#results thead th")].map((head) => head.textContent);
  const chosen = new Map();
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const tenth = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const cents = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const KEPT = 10;

  function element(name, text) {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  }

  // The weighted geometric mean of customers/target_groups.py, combined().
  function combined(picked) {
    const found = new Map();
    for (const item of picked) {
      for (const [group, index, lo, hi, significant, weight, overall] of item.groups) {
        if (!found.has(group)) found.set(group, []);
        found.get(group).push({ item, index, lo, hi, significant, weight, overall });
      }
    }
    const mean = (parts, name) => {
      const weights = parts.reduce((sum, part) => sum + part.weight, 0);
      return Math.exp(parts.reduce((sum, part) => sum + Math.log(part[name]) * part.weight, 0) / weights);
    };
    return [...found].map(([group, parts]) => {
      const index = mean(parts, "index");
      const rate = Math.min(Math.max(Math.min(...parts.map((part) => part.overall)) * index, 0), 1);
      const buyers = rate * data.groups[group][3];
      const margins = parts.map((part) => part.item.margin).filter((margin) => margin !== null).sort((a, b) => a - b);
      const middle = margins.length >> 1;
      const margin = margins.length
        ? (margins.length % 2 ? margins[middle] : (margins[middle - 1] + margins[middle]) / 2) : null;
      const why = parts.filter((part) => part.index > 1).sort((a, b) => b.index - a.index).slice(0, 3)
        .map((part) => part.item.name + " " + part.item.value + " (" + part.index.toFixed(1) + ")").join(", ");
      return [group, index, mean(parts, "lo"), mean(parts, "hi"), buyers, margin === null ? null : margin * buyers,
        parts.some((part) => part.significant), null, why];
    });
  }

  function show(title, found) {
    const ranked = found.slice().sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, KEPT);
    caption.textContent = title + "; margin in " + data.currency;
    rows.replaceChildren(...ranked.map(([group, index, lo, hi, buyers, margin, significant, own, why], place) => {
      const [type, key, people, reach] = data.groups[group];
      const cells = [String(place + 1), type + ": " + key,
        cents.format(index) + " (" + cents.format(lo) + " to " + cents.format(hi) + ")", significant ? "yes" : "no",
        whole.format(people), whole.format(reach), tenth.format(buyers), margin === null ? "\u2013" : cents.format(margin),
        [why, own === null ? "" : own + " bought it in 28 days"].filter(Boolean).join("; ") || "\u2013"];
      const row = document.createElement("tr");
      row.setAttribute("role", "row");
      cells.forEach((text, column) => {
        const cell = element(column === 1 ? "th" : "td", column === 1 ? text : "");
        if (column === 1) cell.scope = "row"; else cell.append(element("span", text));
        cell.setAttribute("role", column === 1 ? "rowheader" : "cell");
        cell.dataset.label = heads[column];
        cell.className = [0, 2, 4, 5, 6, 7].includes(column) ? "num" : "txt";
        row.append(cell);
      });
      return row;
    }));
    results.hidden = !ranked.length;
    status.textContent = ranked.length ? ranked.length + " groups, best first" : "No group of enough people is known for it.";
  }

  function byProduct() {
    const wanted = product.value.trim();
    if (!wanted) return byAttributes();
    chosen.clear();
    drawChips();
    const found = data.products.find(([id, title]) => id === wanted || title + " (" + id + ")" === wanted);
    if (found) return show("Target groups of " + found[1] + " (" + found[0] + ")", found[2]);
    results.hidden = true;
    status.textContent = "Not among the " + data.products.length + " products of this page: choose one of the list.";
  }

  function byAttributes() {
    if (!chosen.size) {
      results.hidden = true;
      status.textContent = "Choose a product or an attribute.";
      return;
    }
    const picked = [...chosen.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    show("Target groups of " + picked.map((item) => item.name + "=" + item.value).join(", "), combined(picked));
  }

  function drawChips() {
    chips.replaceChildren(...[...chosen].map(([name, item]) => {
      const button = element("button", name + ": " + item.value + " \u00d7");
      button.type = "button";
      button.setAttribute("aria-label", "Remove " + name + " " + item.value);
      button.addEventListener("click", () => {
        chosen.delete(name);
        drawChips();
        byAttributes();
        (chips.querySelector("button") || attribute).focus();
      });
      const entry = document.createElement("li");
      entry.append(button);
      return entry;
    }));
  }

  const items = data.attributes.map(([name, value, margin, groups]) => ({ name, value, margin, groups }));
  const none = element("option", "choose \u2026");
  none.value = "";
  attribute.append(none);
  for (const name of [...new Set(items.map((item) => item.name))]) {
    const group = document.createElement("optgroup");
    group.label = name;
    items.forEach((item, place) => {
      if (item.name !== name) return;
      const option = element("option", item.value);
      option.value = String(place);
      group.append(option);
    });
    attribute.append(group);
  }
  byId("products").append(...data.products.map(([id, title]) => {
    const option = document.createElement("option");
    option.value = title + " (" + id + ")";
    return option;
  }));
  picker.addEventListener("submit", (event) => { event.preventDefault(); byProduct(); });
  product.addEventListener("change", byProduct);
  // Not on every change of the list: who walks through it by keyboard would add what lies on the way.
  add.addEventListener("click", () => {
    const item = attribute.value === "" ? null : items[Number(attribute.value)];
    attribute.selectedIndex = 0;
    if (!item) return;
    product.value = "";
    chosen.set(item.name, item);
    drawChips();
    byAttributes();
  });
  picker.hidden = false;
  byAttributes();
})();

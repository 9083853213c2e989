"""Names of the page files in a home's reports folder. A leaf: everything that links to a page imports it."""

OVERVIEW = "overview.html"
CONTRACTS = "contracts.html"
PRESALES = "presales.html"
LOGISTICS = "logistics.html"
SEGMENTS = "segments.html"
PORTRAIT = "portraits.html"
TARGETS = "target_groups.html"
# Pages about customers link to each other by these titles.
CUSTOMER_PAGES = {SEGMENTS: "Segments", PORTRAIT: "Portraits", TARGETS: "Target groups"}

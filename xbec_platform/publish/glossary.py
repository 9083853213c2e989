"""Definitions of the numbers on the overview page. Words only: no computation, no markup."""

from collections.abc import Mapping
from types import MappingProxyType

GLOSSARY: Mapping[str, str] = MappingProxyType(
    {
        "As of": "The page knows every event up to and including this day (UTC) and nothing later.",
        "Base currency": "Every amount is converted at the exchange rate of its own day.",
        "Gross sales": "Value of the order lines sold that day, before returns and cancellations.",
        "Returns": "Value of returns and cancellations, counted on the day they were opened.",
        "Net sales": "Gross sales minus returns.",
        "Orders": "Orders placed that day. Orders without a customer id count; their number is shown apart.",
        "Average order": "Gross sales divided by orders, over all days shown.",
        "New customers": "Customers whose first order falls on that day.",
        "Last 28 days": "The 28 days up to the last day with data, compared with the 28 days before them. "
        "Days without orders count as zero.",
        "7-day mean": "Mean of a day and the six days before it. Days without orders count as zero.",
        "Customer group": "Customers with similar habits, found by clustering. The number of groups is the "
        "one that stays stable when the customers are resampled; names say what sets a group apart.",
        "RFM segment": "Customers graded by recency, frequency and money spent (five steps each) and named "
        "by the combination.",
        "Share of revenue": "Net sales of the group divided by net sales of all grouped customers.",
        "Discover": "Products the customer has never bought, ranked by a model of what is bought together. "
        "The reason is the customer's own purchase that raised the product most.",
        "Replenish": "Products the customer has bought before, ranked by how likely the next order is.",
        "Utilisation": "Units the plan sends from a warehouse divided by what it can handle in a day.",
        "Regret": "What the plan saves against sending every unit from the nearest warehouse that may.",
        "Bottleneck": "A limit the plan uses up. Its shadow price is what one more unit of it would save.",
        "Unserved": "Ordered units the plan could not send; each has exactly one reason.",
        "Intake": "For every feed: rows in = rows loaded + rows quarantined + exact duplicates. "
        "A rejected file is refused whole and adds no rows.",
    }
)

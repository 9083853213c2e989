"""Asset keys by name. A leaf: it imports nothing of ours, so that every module may import it."""

import dagster as dg

RAW = "raw"
MARTS = "marts"
ML = "ml"

FILE_MANIFEST = dg.AssetKey(["ops", "file_manifest"])
QUARANTINE = dg.AssetKey(["quarantine", "records"])
REPAIRS = dg.AssetKey(["ops", "repairs"])
WARNINGS = dg.AssetKey(["ops", "warnings"])
PLATFORM_HEALTH = dg.AssetKey(["ops", "platform_health"])
CATALOGUE = dg.AssetKey(["ops", "catalogue"])
ERASURE_LOG = dg.AssetKey(["ops", "erasure_log"])
RETENTION = dg.AssetKey(["ops", "retention"])

CLUSTER_MODEL = dg.AssetKey([ML, "cluster_model"])
CUSTOMER_CLUSTERS = dg.AssetKey([ML, "customer_clusters"])
CLUSTER_PROFILE = dg.AssetKey([ML, "cluster_profile"])
CLUSTER_STABILITY = dg.AssetKey([ML, "cluster_stability"])
CLUSTER_CHALLENGERS = dg.AssetKey([ML, "cluster_challengers"])

INTEREST_MODEL = dg.AssetKey([ML, "interest_model"])
CUSTOMER_INTERESTS = dg.AssetKey([ML, "customer_interests"])
INTEREST_PROFILE = dg.AssetKey([ML, "interest_profile"])
INTEREST_STABILITY = dg.AssetKey([ML, "interest_stability"])
INTEREST_CHALLENGERS = dg.AssetKey([ML, "interest_challengers"])

IDENTITY_MAP = dg.AssetKey([ML, "identity_map"])
IDENTITY_LINKS = dg.AssetKey([ML, "identity_links"])
IDENTITY_CUT_KEYS = dg.AssetKey([ML, "identity_cut_keys"])

CLV = dg.AssetKey([ML, "clv"])
CLV_MODEL = dg.AssetKey([ML, "clv_model"])
CLV_HOLDOUT = dg.AssetKey([ML, "clv_holdout"])
ATTRIBUTE_PREFERENCE = dg.AssetKey([ML, "user_attribute_preference"])
ATTRIBUTE_BASE_RATES = dg.AssetKey([ML, "attribute_base_rates"])
CTR_PRIORS = dg.AssetKey([ML, "ctr_priors"])

ATTRIBUTE_TARGETS = dg.AssetKey([ML, "attribute_target_groups"])
PRODUCT_TARGETS = dg.AssetKey([ML, "product_target_groups"])

PORTRAIT_TAGS = dg.AssetKey([ML, "portrait_tags"])
PERSON_DATABASE = dg.AssetKey([ML, "person_database"])

RECS_DISCOVER = dg.AssetKey([ML, "recs_discover"])
RECS_REPLENISH = dg.AssetKey([ML, "recs_replenish"])
RECS_EVALUATION = dg.AssetKey([ML, "recs_evaluation"])
RECS_GATE = dg.AssetKey([ML, "recs_gate"])
RECS_ABLATION = dg.AssetKey([ML, "recs_ablation"])
RECS_SIMILAR = dg.AssetKey([ML, "recs_similar"])
RECS_SESSIONS = dg.AssetKey([ML, "recs_sessions"])
PRODUCT_OFFERS = dg.AssetKey([ML, "product_offers"])
CATALOG_FACETS = dg.AssetKey([ML, "catalog_facets"])
SEARCH_DOCUMENTS = dg.AssetKey([ML, "search_documents"])
SEARCH_TERMS = dg.AssetKey([ML, "search_terms"])
PRODUCT_AFFINITY = dg.AssetKey([ML, "product_affinity"])
PRODUCT_BUNDLES = dg.AssetKey([ML, "product_bundles"])
PRODUCT_TRIPLES = dg.AssetKey([ML, "product_triples"])

ASSIGNMENT = dg.AssetKey([ML, "warehouse_assignment"])
ASSIGNMENT_UNSERVED = dg.AssetKey([ML, "assignment_unserved"])
ASSIGNMENT_BOTTLENECKS = dg.AssetKey([ML, "assignment_bottlenecks"])
ASSIGNMENT_CONTAINERS = dg.AssetKey([ML, "assignment_containers"])
ASSIGNMENT_SUMMARY = dg.AssetKey([ML, "assignment_summary"])

DELAYED_SHIPMENTS = dg.AssetKey([ML, "delayed_shipments"])
STAGE_DWELL = dg.AssetKey([ML, "stage_dwell"])
LANE_LEADTIME = dg.AssetKey([ML, "lane_leadtime"])
ONTIME = dg.AssetKey([ML, "ontime"])
FAULTY_SHIPMENTS = dg.AssetKey([ML, "faulty_shipments"])

LANDED_COST = dg.AssetKey([ML, "landed_cost"])
LANDED_COST_TRACE = dg.AssetKey([ML, "landed_cost_trace"])
COMPLIANCE_FLAGS = dg.AssetKey([ML, "compliance_flags"])
REFUSED_RULES = dg.AssetKey([ML, "refused_tariff_rules"])

DELAY_EFFECT = dg.AssetKey([ML, "delay_effect"])
SERVICE_INDEX = dg.AssetKey([ML, "service_index"])
SERVICE_LOADINGS = dg.AssetKey([ML, "service_loadings"])

ROUTES = dg.AssetKey([ML, "routes"])
FAULTY_LANES = dg.AssetKey([ML, "faulty_lanes"])

INVENTORY_POLICY = dg.AssetKey([ML, "inventory_policy"])
INVENTORY_AGEING = dg.AssetKey([ML, "inventory_ageing"])
INVENTORY_ACTIONS = dg.AssetKey([ML, "inventory_actions"])
OPERATION_MODES = dg.AssetKey([ML, "operation_mode_comparison"])

PRESALE_CONVERSION = dg.AssetKey([ML, "presale_conversion"])
PRESALE_MODEL = dg.AssetKey([ML, "presale_model"])
PRESALE_CALIBRATION = dg.AssetKey([ML, "presale_calibration"])
PREPOSITION_PLAN = dg.AssetKey([ML, "preposition_plan"])
PREPOSITION_ORDERS = dg.AssetKey([ML, "preposition_orders"])
PREPOSITION_SUMMARY = dg.AssetKey([ML, "preposition_summary"])
PRESALE_OUTCOME = dg.AssetKey([ML, "presale_outcome"])

NETWORK_SITES = dg.AssetKey([ML, "network_sites"])
NETWORK_FLOWS = dg.AssetKey([ML, "network_flows"])
NETWORK_UNSERVED = dg.AssetKey([ML, "network_unserved"])
NETWORK_SUMMARY = dg.AssetKey([ML, "network_summary"])

SNAPSHOT = dg.AssetKey(["published", "snapshot"])
OVERVIEW_PAGE = dg.AssetKey(["published", "overview_page"])
PRESALE_PAGE = dg.AssetKey(["published", "presale_board"])
CUSTOMER_PAGES = dg.AssetKey(["published", "customer_pages"])
EXPORTS = dg.AssetKey(["published", "exports"])


def raw(source: str) -> dg.AssetKey:
    """Key of a raw table."""
    return dg.AssetKey([RAW, source])


def seed(name: str) -> dg.AssetKey:
    """Key of a dbt seed."""
    return dg.AssetKey(["seeds", name])


def mart(name: str) -> dg.AssetKey:
    """Key of a dbt model in the schema `marts`."""
    return dg.AssetKey([MARTS, name])


def intermediate(name: str) -> dg.AssetKey:
    """Key of a dbt model in the schema `intermediate`."""
    return dg.AssetKey(["intermediate", name])


def table(key: dg.AssetKey) -> str:
    """The table a key stands for, `schema.name`."""
    return ".".join(key.path)

"""Those parts of custom resources that deploy/k8s uses, by their operators' documentation: no package carries the schemas themselves.

A field that is not here is a mistake, or to be looked up and added.
"""

from __future__ import annotations

from typing import Any

TEXT, NUMBER, YES_NO = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
TEXTS = {"type": "object", "additionalProperties": TEXT}


def _closed(*required: str, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": fields}


def _list(item: Any) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _one_of(*words: str) -> dict[str, Any]:
    return {"enum": list(words)}


_KEY = _closed("name", "key", name=TEXT, key=TEXT)
_NAME = _closed("name", name=TEXT)
_STORAGE = _closed("size", size=TEXT, storageClass=TEXT)
_COMPRESSION = _one_of("gzip", "bzip2", "lz4", "snappy", "xz", "zstd")
_ROLE = _closed(
    "name",
    name=TEXT,
    ensure=_one_of("present", "absent"),
    login=YES_NO,
    createdb=YES_NO,
    createrole=YES_NO,
    passwordSecret=_NAME,
)
_INITDB = _closed(encoding=TEXT, localeProvider=TEXT, builtinLocale=TEXT, localeCollate=TEXT, localeCType=TEXT)
_SYNCHRONOUS = _closed(
    "method",
    "number",
    method=_one_of("any", "first"),
    number=NUMBER,
    dataDurability=_one_of("required", "preferred"),
    failoverQuorum=YES_NO,
)
_AFFINITY = _closed(
    enablePodAntiAffinity=YES_NO, podAntiAffinityType=_one_of("required", "preferred"), topologyKey=TEXT
)
_CLUSTER = _closed(
    "instances",
    "storage",
    instances=NUMBER,
    primaryUpdateStrategy=_one_of("unsupervised", "supervised"),
    primaryUpdateMethod=_one_of("restart", "switchover"),
    bootstrap=_closed("initdb", initdb=_INITDB),
    managed=_closed("roles", roles=_list(_ROLE)),
    postgresql=_closed(parameters=TEXTS, synchronous=_SYNCHRONOUS),
    affinity=_AFFINITY,
    resources=_closed(requests=TEXTS, limits=TEXTS),
    storage=_STORAGE,
    walStorage=_STORAGE,
    plugins=_list(_closed("name", name=TEXT, isWALArchiver=YES_NO, parameters=TEXTS)),
)
_BACKUP = _closed(
    "schedule",
    "cluster",
    schedule={"type": "string", "pattern": r"^(\S+ ){5}\S+$"},
    immediate=YES_NO,
    backupOwnerReference=_one_of("none", "self", "cluster"),
    method=_one_of("barmanObjectStore", "volumeSnapshot", "plugin"),
    pluginConfiguration=_closed("name", name=TEXT),
    cluster=_NAME,
)
_STORE = _closed(
    "destinationPath",
    destinationPath=TEXT,
    endpointURL=TEXT,
    s3Credentials=_closed(accessKeyId=_KEY, secretAccessKey=_KEY),
    wal=_closed(compression=_COMPRESSION, maxParallel=NUMBER),
    data=_closed(compression=_COMPRESSION),
)
_LABEL = _closed(
    "action", action=_one_of("replace", "drop", "keep"), sourceLabels=_list(TEXT), targetLabel=TEXT, replacement=TEXT
)
_ENDPOINT = _closed("port", port=TEXT, path=TEXT, interval=TEXT, relabelings=_list(_LABEL))
_EXPRESSION = _closed("key", "operator", key=TEXT, operator=_one_of("In", "NotIn", "Exists"), values=_list(TEXT))
_ALERT = _closed("alert", "expr", alert=TEXT, expr=TEXT, labels=TEXTS, annotations=TEXTS, **{"for": TEXT})
_RECORD = _closed("record", "expr", record=TEXT, expr=TEXT, labels=TEXTS)

SCHEMAS = {
    # CloudNativePG 1.28 and its Barman Cloud plugin.
    ("postgresql.cnpg.io/v1", "Cluster"): _CLUSTER,
    ("postgresql.cnpg.io/v1", "ScheduledBackup"): _BACKUP,
    ("barmancloud.cnpg.io/v1", "ObjectStore"): _closed("configuration", retentionPolicy=TEXT, configuration=_STORE),
    # The Prometheus operator.
    ("monitoring.coreos.com/v1", "PodMonitor"): _closed(
        "selector",
        "podMetricsEndpoints",
        selector=_closed(matchLabels=TEXTS, matchExpressions=_list(_EXPRESSION)),
        podMetricsEndpoints=_list(_ENDPOINT),
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): _closed(
        "groups",
        groups=_list(_closed("name", "rules", name=TEXT, interval=TEXT, rules=_list({"anyOf": [_ALERT, _RECORD]}))),
    ),
}

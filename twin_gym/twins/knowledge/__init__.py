"""Knowledge twins: the facts of a network or a city, each with its age, and answers from them.

    graph = LiveGraph(twin)             # or HistoryGraph(store), or generate_city().graph()
    Asker(graph).ask("to which gateway is sensor 17 connected").text

Graphs are kept in memory (networkx), in Ladybug (extra `knowledge`) or in Neo4j (extra `neo4j`);
views of twins copy nothing. `pool` is the priority pooling of the GenTwin paper.
"""

from twin_gym.twins.knowledge.answers import Answer
from twin_gym.twins.knowledge.completeness import (
    PREDICTORS,
    Completeness,
    completeness,
    predict_outage,
)
from twin_gym.twins.knowledge.facts import Fact, Kind, Relation, Statement, Unknown, is_known
from twin_gym.twins.knowledge.graph import KnowledgeGraph
from twin_gym.twins.knowledge.model import city_model
from twin_gym.twins.knowledge.pooling import (
    Level,
    PoolingSettings,
    Pools,
    PoolTracker,
    Topology,
    pool,
    update_trigger,
)
from twin_gym.twins.knowledge.questions import Asker, ask
from twin_gym.twins.knowledge.refresh import (
    AsOf,
    Batched,
    Rebuild,
    Refresh,
    Trigger,
    WriteThrough,
)
from twin_gym.twins.knowledge.rephrasing import LanguageModel, Rephrasing, rephrase
from twin_gym.twins.knowledge.sentences import parse_sentence, sentence
from twin_gym.twins.knowledge.stores.base import Entity, GraphStore, RelationEvent
from twin_gym.twins.knowledge.stores.history import HistoryGraph
from twin_gym.twins.knowledge.stores.ladybug import LadybugStore
from twin_gym.twins.knowledge.stores.live import LiveGraph
from twin_gym.twins.knowledge.stores.memory import MemoryStore
from twin_gym.twins.knowledge.stores.neo4j import Neo4jStore
from twin_gym.twins.knowledge.texts import entity_text, timeless
from twin_gym.twins.knowledge.topology import KeyValue, key_values, presence_of, topology_of

__all__ = [
    "PREDICTORS",
    "Answer",
    "AsOf",
    "Asker",
    "Batched",
    "Completeness",
    "Entity",
    "Fact",
    "GraphStore",
    "HistoryGraph",
    "KeyValue",
    "Kind",
    "KnowledgeGraph",
    "LadybugStore",
    "LanguageModel",
    "Level",
    "LiveGraph",
    "MemoryStore",
    "Neo4jStore",
    "PoolTracker",
    "PoolingSettings",
    "Pools",
    "Rebuild",
    "Refresh",
    "Relation",
    "RelationEvent",
    "Rephrasing",
    "Statement",
    "Topology",
    "Trigger",
    "Unknown",
    "WriteThrough",
    "ask",
    "city_model",
    "completeness",
    "entity_text",
    "is_known",
    "key_values",
    "parse_sentence",
    "pool",
    "predict_outage",
    "presence_of",
    "rephrase",
    "sentence",
    "timeless",
    "topology_of",
    "update_trigger",
]

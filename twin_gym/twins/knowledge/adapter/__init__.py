"""The twin adapter: a bottleneck and a relation head on features of a frozen language model.

    task = task_of_graph(generate_city().graph())
    split = split_facts(task, 0.15, np.random.default_rng(0))
    backbone = smollm2()                      # or FolderBackbone(folder), pretrain_tiny(sentences)
    features = cached_features(backbone, task.texts, "results/features")
    adapter = train_adapter(task, features, split, backbone)
    adapter.rank(backbone, "bin, x 12.0 m, y 8.0 m", "serves_in", task.texts[1:4])

The backbone never changes, so each text is told to it once. Needs the extra `twins`; language
models of a folder need `knowledge`.
"""

from twin_gym.twins.knowledge.adapter.backbone import Backbone, Features
from twin_gym.twins.knowledge.adapter.cache import cached_features
from twin_gym.twins.knowledge.adapter.ceiling import bayes_ceiling
from twin_gym.twins.knowledge.adapter.corpus import city_sentences
from twin_gym.twins.knowledge.adapter.ids import IdentityBackbone
from twin_gym.twins.knowledge.adapter.kinds import read_kinds
from twin_gym.twins.knowledge.adapter.local import FolderBackbone
from twin_gym.twins.knowledge.adapter.measures import Judged, judge
from twin_gym.twins.knowledge.adapter.network import AdapterNetwork, BottleneckAdapter
from twin_gym.twins.knowledge.adapter.rows import majority, nearest_neighbour
from twin_gym.twins.knowledge.adapter.settings import AdapterSettings
from twin_gym.twins.knowledge.adapter.smollm2 import smollm2
from twin_gym.twins.knowledge.adapter.task import (
    RelationTask,
    Split,
    split_facts,
    task_of,
    task_of_graph,
    with_shuffled_tails,
)
from twin_gym.twins.knowledge.adapter.texts import PLACED, PLAIN, describe
from twin_gym.twins.knowledge.adapter.tfidf import TfidfBackbone
from twin_gym.twins.knowledge.adapter.tiny import TinyBackbone, pretrain_tiny
from twin_gym.twins.knowledge.adapter.tiny_network import TinySettings
from twin_gym.twins.knowledge.adapter.twin import TwinAdapter, train_adapter

__all__ = [
    "PLACED",
    "PLAIN",
    "AdapterNetwork",
    "AdapterSettings",
    "Backbone",
    "BottleneckAdapter",
    "Features",
    "FolderBackbone",
    "IdentityBackbone",
    "Judged",
    "RelationTask",
    "Split",
    "TfidfBackbone",
    "TinyBackbone",
    "TinySettings",
    "TwinAdapter",
    "bayes_ceiling",
    "cached_features",
    "city_sentences",
    "describe",
    "judge",
    "majority",
    "nearest_neighbour",
    "pretrain_tiny",
    "read_kinds",
    "smollm2",
    "split_facts",
    "task_of",
    "task_of_graph",
    "train_adapter",
    "with_shuffled_tails",
]

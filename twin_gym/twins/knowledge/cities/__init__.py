"""Cities for knowledge graphs: generated ones, and real ones from data read by path."""

from twin_gym.twins.knowledge.cities.beijing import read_beijing
from twin_gym.twins.knowledge.cities.campusiot import read_campusiot
from twin_gym.twins.knowledge.cities.city import City
from twin_gym.twins.knowledge.cities.edinburgh import read_edinburgh
from twin_gym.twins.knowledge.cities.generated import LARGE, MEDIUM, SMALL, CityPlan, generate_city

__all__ = [
    "LARGE",
    "MEDIUM",
    "SMALL",
    "City",
    "CityPlan",
    "generate_city",
    "read_beijing",
    "read_campusiot",
    "read_edinburgh",
]

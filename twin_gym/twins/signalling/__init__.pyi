# The names of the package and the module that each lives in: `__init__.py` reads them here.
# ruff: noqa: TID252 - lazy_loader reads relative imports alone
from .acceptance import not_accepted as not_accepted
from .automaton import CoreState as CoreState
from .automaton import answers as answers
from .emulator import emulate as emulate
from .kinds import KINDS as KINDS
from .kinds import MessageKind as MessageKind
from .log import MessageLog as MessageLog
from .message import Message as Message
from .message import SNssai as SNssai
from .presets import load as load
from .presets import names as names
from .reference import simulate as simulate
from .replay import first_five_qis as first_five_qis
from .replay import replay as replay
from .scenario import SignallingScenario as SignallingScenario
from .tables import MessageTable as MessageTable
from .tables import table_rows as table_rows
from .tables import window_ceiling as window_ceiling
from .theory import blind_exact_bound as blind_exact_bound
from .theory import chance_bound as chance_bound
from .theory import outside_share as outside_share
from .why import Rejection as Rejection
from .why import rejections as rejections

"""The same signalling as a SimPy story: UEs, base stations, AMF, SMF and UPF as processes.

It tells each procedure from its beginning to its end, without the table of procedures, on the draws
of the same world. Its log equals that of the emulator, message by message.
"""

from twin_gym.twins.signalling.reference.life import simulate

__all__ = ["simulate"]

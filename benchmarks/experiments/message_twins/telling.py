"""What the page says in words."""

CLAIM = """\
**Claim** (Tao et al., IEEE Wireless Communications 31(4), 2024, sections IV-A and IV-B, Fig.
4a). A Transformer that is trained on the messages between user equipment, access network and
core (N1, N2, N4) predicts the messages of the control plane better than an LSTM, clearly so
where many UEs are served at a time. Values, grammar, settings and the context of the LSTM are
not stated."""

FOUND = ""

KNOWN = """\
- *Exact automaton*: the procedures as a table, with the state of the UE, the verdicts and
  decisions, and the event with which the network begins a message. It scores 1 with no
  violation: what is to be learned is a function.
- *Entropy floor*: the scenario has no failure, so that verdicts and decisions are not drawn.
  Whether the network begins a configuration update or a deregistration is; the automaton is
  told, networks and tables are not. This is the most that they can expect.
- *Determined in the window*: share of the answers whose deciding message is among those that a
  network sees, half a window to a whole one. The others can only be guessed; guesses are right
  at times, so that it bounds no score.
- *Tables* count what followed the same last messages in the log that networks learn from. They
  are not told that the network itself begins a message (1 % of them), networks are."""

SET_UP = """\
One slice without failures (`signalling-concurrent`), whose UEs pause for less than a procedure
takes: K is the number of concurrent UEs. Networks are asked for every message of the core,
given the true messages before it, and whose turn it is. *All UEs*: the newest messages of the
interleaved log; numbers tell the UEs of a window apart, and are permuted in every window. *Per
UE*: the newest messages of the UE whose turn it is. Seed k has logs of its own, the same for
all rows.

**Held out**: rows are judged by a log of another world, so that neither a UE nor a moment is in
both; its first quarter is context alone. *Stateful subset*: answers that the message they
answer does not determine. Precision, recall and F1 are over the entries of the binary vector
that are present, all messages together. Violations: predictions that are not well-formed, or of
a kind that the procedures never have there. *By the grammar*: the likeliest message among those
that they have there in some state."""

TRIED = ""

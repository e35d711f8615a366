"""What the page says in words."""

CLAIM = """\
**Claim** (Tao et al., IEEE Wireless Communications 31(4), 2024, sections IV-A and IV-B, Fig.
4a). A Transformer that is trained on the messages between user equipment, access network and
core (N1, N2, N4) predicts the messages of the control plane better than an LSTM, clearly so
where many UEs are served at a time. Values, grammar, settings and the context of the LSTM are
not stated."""

FOUND = """\
**Found.** *Where all UEs are in one window*, as the claim has it, the Transformer is far ahead of
an LSTM with as many parameters at 4 and 16 concurrent UEs, in every seed (F1 on the stateful subset
about 0.93 against 0.72, and 0.86 against 0.53). It is not ahead at either end: with one UE both are
near 1, and with 64 both say the most frequent message of the stateful subset. There, a window of
128 messages has two of each UE and determines 14 % of the stateful answers, and 1,800 steps did not
find them; whether longer windows and trainings would, is not known.

*The effect is one of mixing.* With a window for each UE, which a core can always have since every
message names its UE, both networks are as good at 64 UEs as at 1, and the LSTM is ahead by about
0.005. From 4 UEs on, no network of all UEs' messages reaches a plain table of the last six messages
of the same UE (0.96) when it answers freely; within the grammar the Transformer passes it at 4
UEs (0.979 against 0.967). Networks with a window for each UE pass that table; against a table of
the last sixteen (0.996) the LSTM is level, and the Transformer level or 0.004 below.

*Not flat.* The loss of a training ends flat because its rate falls to zero. The Transformer of all
UEs' messages at 16 UEs improved most in the middle of its training, so that more steps may well
lift it; there, the LSTM hardly moved in the second half."""

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
takes: K is the number of concurrent UEs. All rows are asked for every message of the core, given
the true messages before it and whose turn it is, and are told that the core sends something.
Networks that may say nothing, which is what they are trained for, are the rows *may say nothing*.
*All UEs*: the newest messages of the interleaved log; numbers tell the UEs of a window apart, and
are permuted in every window. *Per UE*: the newest messages of the UE whose turn it is. Seed k has
logs of its own, the same for all rows. LSTM and Transformer have the same windows, steps and
number of parameters.

**Held out**: rows are judged by a log of another world, so that neither a UE nor a moment is in
both; its first quarter is context alone. *Stateful subset*: answers that the message they answer
does not determine. Precision, recall and F1 are over the entries of the binary vector that are
present, all messages together. Violations: predictions that are not well-formed, or of a kind that
the procedures never have there. *By the grammar*: the likeliest message among those that they have
there in some state; this tells which message is answered, which tables and free networks must find
out."""

TRIED = """\
Before the grid, one cell: Transformer, K = 16, seed 1, judged by 75 s. All that was tried:

| context | windows a step | steps | core-seconds | exact | F1, stateful |
|---|---|---|---|---|---|
| per UE | 24 of 96 messages | 300 | 20 | 0.855 (may say nothing) | 0.918 (may say nothing) |
| per UE | 8 of 64 | 900 | 17 | 0.979 | 0.994 |
| all UEs | 6 of 384 | 500 | 45 | 0.009 (may say nothing) | 0.000 (may say nothing) |
| all UEs, first layer begins with a match of UEs | 12 of 192 | 400 | 28 | 0.357 | 0.534 |
| all UEs | 2 of 256 | 1,500 | 38 | 0.380 | 0.542 |
| all UEs | 4 of 128 | 1,500 | 29 | 0.683 | 0.757 |

Many small steps learn more than few large ones in the same time. With the messages of all UEs the
loss rests at what the log without its UEs tells, and falls once attention finds the messages of
the UE whose turn it is: in the last row in the second half of the training, in the three before it
not at all. The learning rate, the number of layers and the width were not varied, and no setting
was tried on the LSTM: it has those that suit the Transformer."""

"""Fig. 4a of paper B: message twins by the number of concurrent UEs."""

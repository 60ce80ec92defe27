"""IKEv1 in pictures: it has no requests and responses, but turns. Which message of its exchange one
is, is told by who speaks after whom (RFC 2409 §5)."""

# Of an exchange, the messages that wait for another one.
AWAITED = {"Main Mode": {1, 3, 5}, "Aggressive Mode": {1}, "Quick Mode": {1}, "Transaction": {1}}


class Turns:
    """Asked about messages in the order in which they were first sent."""

    def __init__(self):
        self.spoken = {}

    def number(self, exchange, source, again):
        """1 for the first one. exchange: whatever names it; again: sent before by this source."""
        ends = self.spoken.setdefault(exchange, {})
        last = max(ends.values(), default=0)
        if source in ends and (again or ends[source] == last):
            return ends[source]
        ends[source] = last + 1
        return last + 1


def waits(exchange, number):
    return number in AWAITED.get(exchange, ())

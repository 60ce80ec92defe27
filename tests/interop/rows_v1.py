"""The rows of IKEv1 (RFC 2409): those of IKEv2 where they demand the same, and its own."""
import rows


def _as_v1(name, row, mode="main"):
    """A row of IKEv2 in the other version, where what it demands is the same."""
    def run(cell):
        return row(cell.speak_version_1(mode))
    run.__name__ = name
    run.version = 1
    return run


ROWS_V1 = [_as_v1("v1_main_psk", rows.handshake_psk)]

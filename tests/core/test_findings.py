from chat_core.findings import Finding, Level, fine, problem, warning


def test_a_finding_tells_how_bad_it_is_of_what_and_what_to_do() -> None:
    assert fine("disk", "has room") == Finding(Level.OK, "disk", "has room", "")
    assert warning("disk", "is nearly full", "Make room.") == Finding(
        Level.WARNING, "disk", "is nearly full", "Make room."
    )
    assert problem("disk", "is full", "Make room.") == Finding(
        Level.PROBLEM, "disk", "is full", "Make room."
    )

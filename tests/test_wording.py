from pgsuite.wording import plural


def test_one_thing_is_singular_and_everything_else_is_not():
    assert [plural(number, "run") for number in (0, 1, 2, 2048)] == ["0 runs", "1 run", "2 runs", "2,048 runs"]
    assert [plural(number, "batch", "batches") for number in (1, 2)] == ["1 batch", "2 batches"]

import numpy as np

from autotag_core.votes import ExpertWeight
from autotag_core.votes.published.predictions import predictions

NAN = float("nan")


def found(evidence, num_predicted=2):
    """Two GIFs of four pairs each, sorted by tag; the first GIF came with its first tag and lacks its last."""
    said = {
        "a": {"share": [0.5] * 4 + [NAN] * 4, "votes": [3, 2, 1, 2, 0, 0, 0, 0]},
        "b": {"share": [0.5] * 8, "votes": [1, 0, 0, 0, 1, 1, 1, 0]},
    }
    pairs = evidence(said, gifs=np.repeat([0, 1], 4), is_own=[1, 0, 0, 0, 0, 0, 0, 0])
    is_right = np.array([1, 0, 0, 1, 0, 0, 1, 1], bool)
    return predictions(pairs, is_right, np.repeat([True, False], 4), num_predicted)


def test_the_tags_with_the_most_votes_are_predicted_ties_by_the_alphabet(evidence):
    by_expert = found(evidence)
    # a: own tag first, then the second before the fourth: right by the own one; new: second and fourth, so right
    assert by_expert["a"].is_right.tolist() == [True, False]
    assert by_expert["a"].is_new_right.tolist() == [True, False]
    assert found(evidence, 1)["a"].is_new_right.tolist() == [False, False]
    # b: of the second GIF its first two, the third is right
    assert by_expert["b"].is_right.tolist() == [True, False]
    assert found(evidence, 3)["b"].is_right.tolist() == [True, True]
    assert by_expert["b"].is_new_right.tolist() == [False, False]


def test_a_weight_is_the_share_over_chosen_gifs_that_the_expert_saw_and_new_tags_over_those_that_lack_one(evidence):
    before = ExpertWeight(0.25, 0.125, on_own_tags=0.5)
    by_expert = found(evidence)
    both, first, second = np.array([True, True]), np.array([True, False]), np.array([False, True])
    assert by_expert["b"].weight(both, before) == ExpertWeight(0.5, 0.0, 0.5)
    assert by_expert["a"].weight(both, before) == ExpertWeight(1.0, 1.0, 0.5)
    assert by_expert["b"].weight(first, before) == ExpertWeight(1.0, 0.0, 0.5)
    assert by_expert["b"].weight(second, before) == ExpertWeight(0.0, 0.125, 0.5)
    assert by_expert["a"].weight(second, before) == before  # it abstains

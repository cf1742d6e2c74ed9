"""The clock of remembered moments: no time is counted that a trial of one span has not."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from embodied_mem.policies.clock import Clock

SPANS, STEPS = st.integers(2, 40), st.integers(0, 500)


@given(SPANS, STEPS)
def test_a_moment_is_counted_below_the_span_and_never_backwards_within_a_stretch(span, now):
    clock = Clock(span)
    assert 0 <= now - clock.origin(now) < span
    assert clock.origin(now) <= clock.origin(now + 1), "an origin only moves on"


@given(SPANS, st.integers(1, 120))
def test_stretches_are_all_steps_in_their_order(span, length):
    time = torch.arange(length)
    found = Clock(span).stretches(time)
    assert torch.equal(torch.cat([steps for _, steps in found]), time)
    assert [origin for origin, _ in found] == sorted({Clock(span).origin(t) for t in range(length)})


def test_without_a_span_time_is_counted_from_the_start_for_ever():
    assert Clock().origin(10**9) == 0


@given(SPANS, STEPS, STEPS)
def test_recounting_there_and_back_gives_the_moment_as_it_was(span, now, later):
    clock, (now, later) = Clock(span, loud=0.5), sorted((now, later))
    time = torch.tensor([now])
    moment = torch.ones(1, 8) + clock.code(time - clock.origin(now), 8)
    there = clock.recounted(moment, time, clock.origin(now), clock.origin(later))
    assert torch.allclose(there, 1 + clock.code((time - clock.origin(later)).clamp(min=0), 8), atol=1e-5)
    assert torch.allclose(clock.recounted(there, time, clock.origin(later), clock.origin(now)), moment, atol=1e-5)

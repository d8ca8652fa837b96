"""A past that stands as the present is: stock-outs filled in, weeks that were never delivered, levels that moved.

Matrices in, matrices out (times × entities); forecasters learn from what is made here, and scores from what was sold.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from s2p_assets.learning.forecasting.lags import moving_mean
from s2p_assets.learning.forecasting.series import Matrix

Mask = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

FEWEST_SELLING = 8
COLLAPSED = 0.4
RECENT = 8
LONGEST_COLLAPSE = 6
"""A part of a year: a company that sells nothing for longer has closed, and no delivery is late."""


def undelivered_periods(sold: Matrix, year: int) -> Mask:
    """The periods in which the number of selling entities, and what they sold, collapsed (times).

    Below two fifths of the usual of the last eight such periods, of which each of the last four and the median sold
    eight entities or more: missing is not zero. Of days, such a period is a day of the same weekday. What also
    collapsed a year before, such as a closed fortnight, is no surprise; nor is what goes on for over two months, as
    that is how it is now. Only what was known by then is looked at.
    """
    known = ~np.isnan(sold)
    alive, selling = known.sum(axis=1).astype(float), (np.where(known, sold, 0.0) > 0).sum(axis=1).astype(float)
    units = np.nansum(sold, axis=1)
    found = np.zeros(len(sold), dtype=bool)
    apart = 7 if year > 300 else 1
    longest = max(year // LONGEST_COLLAPSE, 2 if year < 52 else 8)
    for now in range(4 * apart, len(sold)):
        before = np.arange(now - apart, -1, -apart)
        before = before[~found[before]][:RECENT]
        share, amount = np.median(selling[before] / np.maximum(alive[before], 1)), np.median(units[before])
        usual = share * alive[now]
        steady = len(before) >= 4 and usual >= FEWEST_SELLING and selling[before].min() >= COLLAPSED * usual
        if not steady or selling[now] >= COLLAPSED * usual or units[now] >= COLLAPSED * amount:
            continue
        ago = slice(max(now - year - apart, 0), now - year + apart + 1) if now >= year else slice(0, 0)
        found[now] = not (selling[ago] < 2 * COLLAPSED * share * alive[ago]).any()
        if found[max(now - longest, 0) : now + 1].sum() > longest:
            found[max(now - longest, 0) : now + 1] = False
    return found


def filled_in(sold: Matrix, unknown: Mask, season: Matrix) -> Matrix:
    """`sold` with the cells that are `unknown` raised to what the entity sold before, the season and the move of all.

    Never below what was sold, and of an entity that never sold openly as it is. `season`: factors (times × 1 or more).
    """
    if not unknown.any():
        return sold
    plain, result = sold / season, sold.copy()
    own, then = np.full(sold.shape[1], np.nan), np.ones(sold.shape[1])
    common = 1.0
    seen = np.zeros(sold.shape[1])
    for now, row in enumerate(plain):
        open_now = ~unknown[now] & ~np.isnan(row)
        told = open_now & (seen > 0)
        expected = float((own[told] * common / then[told]).sum())
        if told.sum() >= FEWEST_SELLING and expected > 0:
            moved = np.clip(float(row[told].sum()) / expected, 0.5, 2.0)
            common *= moved ** (2 / RECENT)
        rate = np.maximum(1 / np.maximum(seen + 1, 1), 2 / (RECENT + 1))
        now_own = np.where(seen > 0, own * common / then, row)
        own = np.where(open_now, np.where(seen > 0, now_own + rate * (row - now_own), row), own)
        then = np.where(open_now, common, then)
        seen += open_now
        hidden = unknown[now] & (seen > 0) & ~np.isnan(row)
        estimate = own * common / then * np.broadcast_to(season[now], own.shape)
        result[now] = np.where(hidden, np.fmax(sold[now], estimate), result[now])
    return result


@dataclass(frozen=True)
class ShiftBounds:
    """From where on a level has moved: over `deviations` of its noise, and by `times` or to that part of it.

    In part it has from the deviations on that are `possible`: the nearer to certain, the more of the move is believed.
    `lengths`: how long what is new may last so far, and how long ago (`ends`) it may be over again; in blocks: weeks,
    or months. `around`: how many blocks it is held against.
    """

    lengths: tuple[int, ...]
    ends: tuple[int, ...]
    around: int
    times: float = 1.5
    deviations: float = 4.0
    possible: float = 2.5


WEEKLY = ShiftBounds((3, 4, 5, 6, 8, 10, 13, 18, 26), (0, 1, 2, 3, 4, 6), 52)
MONTHLY = ShiftBounds((3, 4, 5, 6), (0, 1, 2), 24)
LEAST_NOISE = 0.01
LOOKS_BACK, PRIOR_MOVES, PRIOR_LASTING = 6, 6, 0.95
"""At how many earlier times it is asked how much of a new level lasted; how many doublings are taken for granted."""
OF_ALL = 1.25
ALIKE_A_YEAR_AGO, IS_AN_EDGE = 0.4, 0.5
NEAREST = 8
"""A stretch begins, and is over, where it differs by half as much from these blocks beside it, or as many as it has
where they are fewer; else it is a piece of a longer one."""
EDGE, OVER_AGAIN = 1.0, 2.0
"""And by so many deviations: what is over again is so by what came after, which is little."""
IS_A_RAMP = 0.4
"""A move of which so much went on in the year before too is a slope."""
ANOTHER_EDGE = 0.5
"""By how many deviations what is over again must lie further off than what lasts."""


def level_factors(values: Matrix, season: Matrix, year: int, priced: Mask | None = None) -> Matrix:
    """What the past is to be multiplied with, to stand as the present does (times × entities); 1 where none moved.

    First the level of all together is held against its past, then that of each entity. A new level that holds on lifts
    or lowers all before it; one that came and is over again is brought back to what lay around it. What did so a year
    ago too is the entity's season, and where the price was another (`priced`: times × entities), that is why.
    """
    plain = values / season
    apart = 7 if year > 300 else 1
    bounds = MONTHLY if year < 52 else WEEKLY
    blocks, of_block = _blocks(plain, apart)
    if len(blocks) < 2 * bounds.lengths[0] + 4:
        return np.ones_like(values)
    usual = moving_mean(blocks, len(blocks))[-1]
    scaled = np.minimum(blocks / np.where(usual > 0, usual, np.nan), 4.0)
    there = (~np.isnan(scaled)).sum(axis=1)
    total = np.divide(np.nansum(scaled, axis=1), there, out=np.ones(len(scaled)), where=there > 0)[:, None]
    total = total * np.nansum(usual)
    many = (there[-max(bounds.lengths) :] >= FEWEST_SELLING).all()
    common = _factors(total, bounds, OF_ALL, None) if many else np.ones_like(total)
    moved_price = _blocks(priced.astype(float), apart)[0] > 0 if priced is not None else None
    own = _factors(blocks * common, bounds, bounds.times, moved_price)
    return np.asarray((common * own)[of_block])


def _blocks(values: Matrix, apart: int) -> tuple[Matrix, Any]:
    """Means of `apart` rows, counted from the end, and the block of each row."""
    if apart == 1:
        return values, np.arange(len(values))
    whole = len(values) // apart
    tail = values[len(values) - whole * apart :].reshape(whole, apart, -1)
    known = (~np.isnan(tail)).sum(axis=1)
    means = np.divide(np.nansum(tail, axis=1), known, out=np.full(known.shape, np.nan), where=known > 0)
    return means, np.maximum(np.arange(len(values)) - (len(values) - whole * apart), 0) // apart


def _factors(blocks: Matrix, bounds: ShiftBounds, least: float, priced: Mask | None) -> Matrix:
    """The factors of each block (blocks × entities), as far as moves of level have lasted in these series before."""
    found = _moves(blocks, bounds, least, priced)
    trust = _lasting_shares(blocks, bounds, least, priced) if (found.log_ratio != 0).any() else np.ones(2)
    at = np.arange(len(blocks))[:, None]
    lasting = found.end == len(blocks)
    factor = np.exp(np.where(found.certain, trust[1], trust[0]) * found.log_ratio)
    before = np.where(lasting & (at < found.begin), factor, 1.0)
    return np.where(~lasting & (at >= found.begin) & (at < found.end), 1 / factor, before)


def _lasting_shares(blocks: Matrix, bounds: ShiftBounds, least: float, priced: Mask | None) -> Matrix:
    """How much of a new level was still there a horizon later, over all that was seen at earlier times: 0 to 1.

    Of those that were but possible, and of those that were certain. Two months after each look, its logarithm is
    regressed on that of the level seen; where little was ever seen, nearly all of it is expected to last. Real levels
    often come back: of a stock-out that nobody marked, nothing lasts.
    """
    ahead = 2 if bounds is MONTHLY else 8
    prior = PRIOR_MOVES * np.log(2.0) ** 2
    together, alone = np.full(2, PRIOR_LASTING * prior), np.full(2, prior)
    for look in range(1, LOOKS_BACK + 1):
        now = len(blocks) - look * ahead
        if now < bounds.around:
            break
        then = _moves(blocks[:now], bounds, least, None if priced is None else priced[:now])
        seen = (then.end == now) & (then.log_ratio != 0)
        later, usual = blocks[now : now + ahead, seen], then.usual[seen]
        counted = (~np.isnan(later)).sum(axis=0)
        mean = np.divide(np.nansum(later, axis=0), counted, out=usual.copy(), where=counted > 0)
        moved = np.clip(np.log(np.maximum(mean, 0.05 * usual) / usual), -2.0, 2.0)
        which, told = then.certain[seen] * 1, then.log_ratio[seen]
        together += np.bincount(which, moved * told, 2)
        alone += np.bincount(which, told**2, 2)
    return np.clip(together / alone, 0.0, 1.0)


@dataclass(frozen=True)
class _Moves:
    """Of each entity the stretch of blocks that lies furthest from what is around it; log_ratio 0 where none does."""

    begin: Any
    end: Any
    log_ratio: Matrix
    usual: Matrix
    certain: Mask


def _moves(blocks: Matrix, bounds: ShiftBounds, least: float, priced: Mask | None) -> _Moves:
    count, entities = blocks.shape
    sums, a_year = _Sums(blocks), 12 if bounds is MONTHLY else 52
    memory = _memory(blocks, max(bounds.lengths) + max(bounds.ends))
    best, ratio, level = np.zeros(entities), np.zeros(entities), np.ones(entities)
    begin, end = np.zeros(entities, dtype=int), np.zeros(entities, dtype=int)
    for first, last in ((count - over - length, count - over) for length in bounds.lengths for over in bounds.ends):
        if first < 4:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            score, log_ratio, usual = _moved(sums, first, last, bounds.around, memory)
            score = score - ANOTHER_EDGE * (last < count)
            far = (np.abs(log_ratio) >= np.log(least)) & (score >= bounds.possible) & (score > best)
            if first - a_year >= 8 and far.any():
                before = _moved(sums, first - a_year, last - a_year, bounds.around, memory)[1]
                far &= before * np.sign(log_ratio) < ALIKE_A_YEAR_AGO * np.abs(log_ratio)
        if priced is not None:
            far &= ~priced[first:last].any(axis=0)
        best, ratio = np.where(far, score, best), np.where(far, log_ratio, ratio)
        begin, end, level = np.where(far, first, begin), np.where(far, last, end), np.where(far, usual, level)
    believed = np.clip((best - bounds.possible) / (bounds.deviations - bounds.possible), 0.0, 1.0)
    return _Moves(begin, end, ratio * believed, level, best >= bounds.deviations)


class _Sums:
    """Sums, squares and counts of stretches of blocks."""

    def __init__(self, blocks: Matrix) -> None:
        known = ~np.isnan(blocks)
        plain = np.where(known, blocks, 0.0)
        zero = np.zeros((1, blocks.shape[1]))
        self._parts = [np.vstack([zero, np.cumsum(part, axis=0)]) for part in (plain, plain**2, known * 1.0)]

    def between(self, first: int, last: int) -> tuple[Matrix, Matrix, Matrix]:
        total, squares, count = (part[last] - part[first] for part in self._parts)
        return total, squares, count


def _moved(sums: _Sums, first: int, last: int, around: int, memory: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """By how many deviations of its noise a stretch lies off what is around it, the log of their ratio, the latter."""
    end = len(sums._parts[0]) - 1
    inside, _, count = sums.between(first, last)
    total, squares, known = (
        before + after
        for before, after in zip(
            sums.between(max(first - around, 0), first), sums.between(last, min(end, last + around)), strict=True
        )
    )
    usual, now = total / known, inside / count
    relative = np.maximum(squares / known - usual**2, 0.0) / usual**2
    alpha = np.maximum(relative - 1 / usual, LEAST_NOISE)
    noise = (alpha + 1 / now) / count + np.maximum(relative, LEAST_NOISE) / known
    enough = (known >= 8) & (count == last - first) & (usual > 0) & (now > 0) & np.isfinite(now)
    log_ratio = np.where(enough, np.log(now / usual), 0.0)
    enough &= _growth_before(sums, first, around) * np.sign(log_ratio) < IS_A_RAMP * np.abs(log_ratio)
    near = min(last - first, NEAREST)
    enough &= _is_edge(sums.between(max(first - near, 0), first), now, log_ratio, alpha, count, EDGE)
    if last < end:
        enough &= _is_edge(sums.between(last, min(last + near, end)), now, log_ratio, alpha, count, OVER_AGAIN)
    score = np.abs(log_ratio) / np.sqrt(noise * memory)
    return np.where(enough & np.isfinite(score), score, 0.0), log_ratio, usual


def _growth_before(sums: _Sums, first: int, around: int) -> Matrix:
    """The logarithm of the newer half of what lies before a stretch over the older half; 0 where too little is known.

    What grew before as it did since has a slope and no new level.
    """
    begin = max(first - around, 0)
    middle = (begin + first) // 2
    (older, _, known), (newer, _, more) = sums.between(begin, middle), sums.between(middle, first)
    grew = np.log((newer / more) / (older / known))
    return np.where((known >= 8) & (more >= 8) & np.isfinite(grew), grew, 0.0)


def _is_edge(
    beside: tuple[Matrix, Matrix, Matrix],
    now: Matrix,
    log_ratio: Matrix,
    alpha: Matrix,
    count: Matrix,
    deviations: float,
) -> Mask:
    """Whether the blocks beside a stretch of `count` differ from it as those around do, and by so many deviations."""
    near, _, known = beside
    level = near / known
    apart = np.log(now / level) * np.sign(log_ratio)
    noise = np.sqrt((alpha + 1 / now) / count + (alpha + 1 / level) / known)
    far = (apart >= IS_AN_EDGE * np.abs(log_ratio)) & (apart >= deviations * noise)
    return np.asarray((near <= 0) | far)


def _memory(blocks: Matrix, newest: int) -> Matrix:
    """By how much errors that follow one another widen a mean's noise, as the older blocks show: 1 where not at all."""
    older = blocks[: max(len(blocks) - newest, 0)]
    if len(older) < 30:
        return np.full(blocks.shape[1], 1.5)
    known = ~np.isnan(older)
    centred = np.where(known, older - moving_mean(older, len(older))[-1], 0.0)
    spread = (centred**2).sum(axis=0)
    together = (centred[1:] * centred[:-1]).sum(axis=0)
    rho = np.clip(np.divide(together, spread, out=np.zeros_like(spread), where=spread > 0), 0.0, 0.9)
    return np.asarray((1 + rho) / (1 - rho))

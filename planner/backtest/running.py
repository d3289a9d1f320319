"""A back-test from request to report: walks shared among workers, journalled, billed, compared."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from planner.backtest.book import Record, holdings_of
from planner.backtest.courses import run_course
from planner.backtest.journal import Journal, key_of
from planner.backtest.report import BacktestReport, CourseResult, Window
from planner.backtest.resolving import FORECASTERS, resolve_setting
from planner.backtest.scoring import Billed, bill_book, score
from planner.backtest.setting import Futures, Setting
from planner.backtest.walk import decisions_of, walk_on
from planner.calendar import HOUR
from planner.errors import BacktestStoppedError
from planner.plan import CatalogReport
from planner.planning import Surroundings
from planner.request import Course, Horizon, PlanRequest, PolicyName
from planner.shards import Worker
from planner.shards.worker import LOOK_AT_LIFE_EVERY_S, answers, ask

T = TypeVar("T")


@dataclass(frozen=True)
class WalkStanding:
    """Where a walk stands.

    Attributes:
        course: what demand does.
        policy: who decides.
        date: of its latest decision; the window's end after the last.
        cost_usd: its bill from the window's start to that date.
        done: decisions of all walks so far.
        decisions: of all walks.
        over: walks that have come to the window's end.
        walks: those that decide at all.
        share: how far all have come, 0-1; each walk counts the same, however often it decides.
    """

    course: str
    policy: PolicyName
    date: datetime
    cost_usd: Decimal
    done: int
    decisions: int
    over: int
    walks: int
    share: float


@dataclass
class _Walk:
    """A policy on its way over a course."""

    course: Course
    policy: PolicyName
    key: str
    decisions: int
    records: list[Record] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return len(self.records) >= self.decisions

    @property
    def share(self) -> float:
        """How far it has come through the window, 0-1: its decisions are evenly spread."""
        return 1.0 if self.is_over else len(self.records) / self.decisions


def backtest(
    request: PlanRequest,
    around: Surroundings | None = None,
    *,
    futures: Futures | None = None,
    journal: Journal | None = None,
    told: Callable[[WalkStanding], None] | None = None,
) -> BacktestReport:
    """Walk every policy over every course of a request's history, and bill what happened.

    Args:
        request: its demand is history; its field ``backtest`` says how.
        around: files, workers to share the walks among, and what stops it.
        futures: what policies that forecast plan for, in place of the request's forecast.
        journal: goes on from the decisions it holds, and takes the new ones.
        told: where walks stand, after every second or so of each.

    Raises:
        InvalidInputError: with every fault of the request and the files it names.
        BacktestStoppedError: stopped before the last decision.
        PlannerError: a decision failed, as `planner.make_plan` does.
    """
    around = around or Surroundings()
    setting = resolve_setting(request, around, futures)
    walks = [
        _Walk(course, policy, key, decisions_of(setting, policy))
        for course in setting.rules.courses
        for key in (key_of(setting, course),)
        for policy in _policies(setting)
    ]
    if journal is not None:
        for walk in walks:
            walk.records += journal.records(walk.key, walk.policy)[: walk.decisions]
    _walk_all(setting, walks, around, journal, told)
    return BacktestReport(
        name=request.name,
        window=_window(setting),
        purchase_dates=setting.dates,
        courses=tuple(_scored(setting, course, walks) for course in setting.rules.courses),
        catalog=CatalogReport(
            name=setting.catalog.name, source=setting.catalog.source, as_of=setting.catalog.as_of
        ),
        notes=tuple(_notes(setting, request)),
    )


def _policies(setting: Setting) -> tuple[PolicyName, ...]:
    """Those asked for that can be had, with the two that all are measured between."""
    wanted = {*setting.rules.policies, PolicyName.ON_DEMAND, PolicyName.HINDSIGHT}
    if not setting.has_past:
        wanted -= set(FORECASTERS)
    return tuple(name for name in PolicyName if name in wanted)


def _notes(setting: Setting, request: PlanRequest) -> list[str]:
    """What a back-test leaves out of a request."""
    notes, forecasts = [], set(FORECASTERS) & set(setting.rules.policies)
    if not setting.has_past and forecasts:
        notes.append("policies: neutral and cautious have nothing to forecast from; left out")
    known = () if request.forecast is None or not forecasts else request.forecast.known
    unknown = [one.name for one in known if one.announced is None]
    if unknown:
        names = ", ".join(unknown)
        notes.append(f"forecast.known: left out, for nothing says when it was announced: {names}")
    if len(unknown) < len(known) and any(one.reversed for one in setting.rules.courses):
        notes.append("forecast.known: nothing is announced on courses that turn time around")
    if request.offers.exchanges:
        notes.append("offers.exchanges: left out; policies buy, and exchange nothing")
    later = [one.id for one in request.owned if one.start >= setting.calendar.start]
    if later:
        notes.append(f"owned: bought inside the window, so left out: {', '.join(later)}")
    if request.horizon != Horizon():
        notes.append("horizon: of no account here; costs are amortized, inside the window only")
    return notes


def _window(setting: Setting) -> Window:
    calendar = setting.calendar
    before = calendar.hour_of(setting.history.start)
    return Window(
        start=calendar.start, end=calendar.end, hours=calendar.hours, seen_before_hours=-before
    )


class _Here:
    """This process, as a worker: a call has ended when `submit` returns."""

    name, threads = "this process", 1
    losses: tuple[type[BaseException], ...] = ()

    def submit(self, function: Callable[..., T], *args: object) -> Future[T]:
        """Call a function now."""
        future: Future[T] = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:  # noqa: BLE001 - raised again where the result is asked for
            future.set_exception(error)
        return future

    def put(self, value: T) -> T:
        """The value itself."""
        return value

    def lease(self, _token: str) -> None:
        """Nothing is kept."""

    def is_alive(self) -> bool:
        """Always."""
        return True


def _walk_all(
    setting: Setting,
    walks: Sequence[_Walk],
    around: Surroundings,
    journal: Journal | None,
    told: Callable[[WalkStanding], None] | None,
) -> None:
    """Walk every walk to its end, each on one worker at a time."""
    waiting = deque(walk for walk in walks if not walk.is_over)
    idle: list[tuple[Worker, Setting]] = [
        (worker, worker.put(setting)) for worker in around.workers or (_Here(),)
    ]
    under_way: dict[Future[tuple[Record, ...]], tuple[_Walk, Worker, Setting]] = {}
    while waiting or under_way:
        stopped = around.stop is not None and around.stop.is_set()
        while idle and waiting and not stopped:
            (worker, sent), walk = idle.pop(), waiting.popleft()
            args = (sent, walk.course, walk.policy, tuple(walk.records))
            under_way[ask(worker, walk_on, *args)[1]] = (walk, worker, sent)
        if not under_way:
            raise _stopped(walks, journal)
        done, _ = wait(under_way, timeout=LOOK_AT_LIFE_EVERY_S, return_when=FIRST_COMPLETED)
        lost = {future for future, (_, worker, _) in under_way.items() if not worker.is_alive()}
        for future in done | lost:
            walk, worker, sent = under_way.pop(future)
            (records,) = answers([(worker, future)])
            walk.records += records
            if journal is not None:
                journal.add(walk.key, records)
            if told is not None:
                told(_standing(setting, walk, walks))
            if not walk.is_over:
                waiting.appendleft(walk)
            idle.append((worker, sent))


def _stopped(walks: Sequence[_Walk], journal: Journal | None) -> BacktestStoppedError:
    done = sum(len(walk.records) for walk in walks)
    decisions = sum(walk.decisions for walk in walks)
    return BacktestStoppedError(done, decisions, is_kept=journal is not None)


def _standing(setting: Setting, walk: _Walk, walks: Sequence[_Walk]) -> WalkStanding:
    latest = walk.records[-1].date
    until = max(latest, setting.calendar.start + HOUR)
    if walk.is_over:
        latest = until = setting.calendar.end
    deciding = [one for one in walks if one.decisions]
    return WalkStanding(
        course=walk.course.label,
        policy=walk.policy,
        date=latest,
        cost_usd=_bill(setting, walk, until).bill.total_usd,
        done=sum(len(one.records) for one in walks),
        decisions=sum(one.decisions for one in walks),
        over=sum(one.is_over for one in deciding),
        walks=len(deciding),
        share=sum(one.share for one in deciding) / len(deciding),
    )


def _scored(setting: Setting, course: Course, walks: Sequence[_Walk]) -> CourseResult:
    billed = {
        walk.policy: _bill(setting, walk, setting.calendar.end)
        for walk in walks
        if walk.course == course
    }
    return score(setting, course.label, billed)


def _bill(setting: Setting, walk: _Walk, until: datetime) -> Billed:
    demand = run_course(setting.history, walk.course)
    bought = tuple(one.commitment for one in holdings_of(walk.records))
    begun = tuple(one for one in bought if one.start < until)
    return Billed(tuple(walk.records), bill_book(setting, demand, begun, until))

"""Plan requests as they may be posted: no files, and within the server's limits."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationError

from api.http.settings import ServerSettings
from catalogs import Faults, InvalidInputError
from planner import PlanRequest, faults_of
from planner.forecasting.planned import MOST_HOURS
from planner.request import (
    CatalogSource,
    DemandSource,
    ForecastSettings,
    KubernetesSource,
    PresentBill,
    PrometheusSource,
    SolveOptions,
)


def _refused_demand_file(value: object) -> None:
    if value is not None:
        raise ValueError("the server reads no files; send it inline or name an example")


def _refused_catalog_file(value: object) -> None:
    if value is not None:
        raise ValueError("the server reads no files; send it inline or name a bundled catalogue")


def _refused_bill_file(value: object) -> None:
    if value is not None:
        raise ValueError("the server reads no files; send it inline, as `fleetplan inline` does")


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _form(value: object) -> str:
    return "several" if isinstance(value, list | tuple) else "one"


def _refused_token_file(value: object) -> None:
    if value is not None:
        raise ValueError("the server reads no files; take it out")


NoTokenFile = Annotated[None, BeforeValidator(_refused_token_file)]


class PostedPrometheus(PrometheusSource):
    """Series by their PromQL, of a server that the operator allows."""

    token_file: NoTokenFile = None
    """Not over HTTP: the server reads no files."""


class PostedKubernetes(KubernetesSource):
    """What the pods of a cluster request, of a server that the operator allows."""

    token_file: NoTokenFile = None
    """Not over HTTP: the server reads no files."""


class PostedDemand(DemandSource):
    """Where demand comes from: values written here, an example or an allowed Prometheus."""

    file: Annotated[None, BeforeValidator(_refused_demand_file)] = None
    """Not over HTTP: the server reads no files."""
    prometheus: PostedPrometheus | None = None
    kubernetes: PostedKubernetes | None = None


class PostedCatalog(CatalogSource):
    """Where prices come from: a bundled catalogue's name, or the document itself."""

    file: Annotated[None, BeforeValidator(_refused_catalog_file)] = None
    """Not over HTTP: the server reads no files."""


OnePosted = Annotated[
    PostedCatalog, BeforeValidator(_named, json_schema_input_type=str | PostedCatalog)
]
PostedCatalogs = Annotated[
    Annotated[OnePosted, Tag("one")]
    | Annotated[tuple[OnePosted, ...], Field(min_length=1), Tag("several")],
    Discriminator(_form),
]


class PostedPresentBill(PresentBill):
    """What the fleet costs today: the sums of its bill, written here."""

    file: Annotated[None, BeforeValidator(_refused_bill_file)] = None
    """Not over HTTP: the server reads no files."""


class PostedSolve(SolveOptions):
    """How to solve: which solver, and when to stop; the server caps the time limit."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    # A solver that cannot start so many threads ends the whole process.
    threads: Annotated[int, Field(gt=0, le=64)] | None = None


class PostedPlanRequest(PlanRequest):
    """A fleet, its demand, the prices and the rules of a purchase plan, without files."""

    catalog: PostedCatalogs = PostedCatalog(name="aws")
    """A bundled catalogue's name, or `{inline: …}`; or a list of them."""
    demand: PostedDemand
    present_bill: PostedPresentBill | None = None
    """What the fleet costs today, to stand beside the plan; it changes no plan."""
    solve: PostedSolve = PostedSolve()


def parse_posted(document: object, settings: ServerSettings) -> PlanRequest:
    """The request in a posted document, its time limit capped.

    Raises:
        InvalidInputError: with every fault; where it is too large, with that alone.
    """
    check_size(document, settings)
    faults = Faults()
    check_solver(document, settings, faults)
    try:
        request = PostedPlanRequest.model_validate(document)
    except ValidationError as error:
        raise InvalidInputError([*faults.found, *faults_of(error, document)]) from error
    check_metrics(request.demand, settings, faults)
    faults.raise_if_any()
    if request.forecast is not None:
        check_forecast(request, settings)
    return limited(request, settings)


def limited(request: PlanRequest, settings: ServerSettings) -> PlanRequest:
    """The request with the server's solver where it names none, and its time limit capped."""
    asked, most = request.solve, settings.max_time_limit_s
    limits: dict[str, object] = {"time_limit_s": min(asked.time_limit_s or most, most)}
    if settings.solvers and "solver" not in asked.model_fields_set:
        limits["solver"] = settings.solvers[0]
    return request.model_copy(update={"solve": asked.model_copy(update=limits)})


def check_size(document: object, settings: ServerSettings) -> None:
    """Refuse what would cost too much memory to check or to plan; raises InvalidInputError."""
    faults = Faults()
    lists = _demand_lists(document)
    cells = sum(map(len, lists))
    if cells > settings.max_demand_cells:
        fix = f"send at most {settings.max_demand_cells} values; shorten or merge series"
        several = _part(document, "demand", "inline", "scenarios") is not None
        field = "demand.inline.scenarios" if several else "demand.inline.series"
        faults.add(field, f"{cells} values", fix)
    entries = _count_entries(document, {id(one) for one in lists if _is_numeric(one)})
    if entries > settings.max_entries:
        fix = f"send at most {settings.max_entries} values beside the demand"
        faults.add("request", f"{entries} values", fix)
    faults.raise_if_any()


def check_metrics(demand: DemandSource, settings: ServerSettings, faults: Faults) -> None:
    """Note a server of metrics that requests may not make this one ask, and too many values."""
    for name in ("prometheus", "kubernetes"):
        source: PrometheusSource | KubernetesSource | None = getattr(demand, name)
        if source is None:
            continue
        if source.url not in {url.rstrip("/") for url in settings.prometheus}:
            fix = "the server asks no such address; send the demand inline or name an example"
            faults.add(f"demand.{name}.url", source.url, fix)
        series = len(source.queries) if isinstance(source, PrometheusSource) else 1
        seconds = ((source.end or datetime.now(UTC)) - source.start).total_seconds()
        values = int(seconds) // source.step_seconds * series
        if values > settings.max_demand_cells:
            fix = f"ask for at most {settings.max_demand_cells} values; shorten it, or take hours"
            faults.add(f"demand.{name}", f"{values} values", fix)


def check_forecast(request: PlanRequest, settings: ServerSettings) -> None:
    """Refuse a forecast of too many series or futures; raises InvalidInputError."""
    faults, asked = Faults(), request.forecast or ForecastSettings()
    series = len({name for workload in request.workloads for name in workload.series_names})
    if series > settings.max_forecast_series:
        fix = f"forecast at most {settings.max_forecast_series} series at once"
        faults.add("workloads", f"{series} series", fix)
    cells = series * asked.paths * _hours_ahead(request)
    if cells > settings.max_future_cells:
        fix = (
            f"hours × series × futures are {cells:,}, above {settings.max_future_cells:,}; draw "
            "fewer futures, or shorten the horizon"
        )
        faults.add("forecast.paths", asked.paths, fix)
    faults.raise_if_any()


def _hours_ahead(request: PlanRequest) -> int:
    """How far a forecast reaches; the most it may where that is not said in hours."""
    horizon = request.horizon
    if horizon.hours is None or horizon.start is not None:
        return MOST_HOURS
    return min(horizon.hours, MOST_HOURS)


def check_solver(document: object, settings: ServerSettings, faults: Faults) -> None:
    """Note a solver that the server does not offer."""
    chosen = _part(document, "solve", "solver")
    if settings.solvers is not None and isinstance(chosen, str) and chosen not in settings.solvers:
        faults.add("solve.solver", chosen, f"choose one of {', '.join(settings.solvers)}")


def _demand_lists(document: object) -> list[list[object]]:
    """The lists of hourly values in a document not yet validated, of every scenario."""
    inline = _part(document, "demand", "inline")
    futures = [_part(inline, "series"), *_values(_part(inline, "scenarios"))]
    return [one for series in futures for one in _values(series) if isinstance(one, list)]


def _values(document: object) -> Iterable[object]:
    return document.values() if isinstance(document, dict) else ()


def _part(document: object, *keys: str) -> object:
    """What stands under the keys in a document not yet validated; None if nothing does."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _is_numeric(values: list[object]) -> bool:
    return {type(value) for value in values} <= {int, float}


def _count_entries(document: object, left_out: set[int]) -> int:
    """Values in a document, but for those of the lists whose ids are left out."""
    count, waiting = 0, [document]
    while waiting:
        value = waiting.pop()
        count += 1
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list) and id(value) not in left_out:
            waiting.extend(value)
    return count

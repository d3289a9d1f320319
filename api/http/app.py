"""The web application: resources, errors and documentation put together."""

from importlib.metadata import version

from flask.json.provider import DefaultJSONProvider
from flask_openapi import OpenAPI

from api.http.documentation import component_schemas, documentation_blueprint
from api.http.health import health_blueprint
from api.http.plans import plans_blueprint
from api.http.price_catalogs import catalogs_blueprint
from api.http.problems import Problem, answer_with_problems
from api.http.seats import Seats
from api.http.settings import ServerSettings


def create_app(settings: ServerSettings) -> OpenAPI:
    """The JSON API of the planner as a WSGI application."""
    app = OpenAPI(
        "fleetplan",
        info={"title": "fleetplan", "version": version("fleetplan")},
        # The library states an answer of its own for each operation that has none of this
        # status; every operation here has.
        validation_error_status=500,
        validation_error_model=Problem,
        openapi_extensions={"components": {"schemas": component_schemas()}},
        doc_ui=False,
        static_folder=None,
    )
    app.openapi_version = "3.1.0"
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.json = _InOrder(app)
    answer_with_problems(app)
    seats = Seats(settings.max_concurrent_solves)
    for blueprint in (plans_blueprint(settings, seats), catalogs_blueprint(), health_blueprint()):
        app.register_api(blueprint)
    app.register_blueprint(documentation_blueprint(app))
    return app


class _InOrder(DefaultJSONProvider):
    """Keeps the order in which documents are written."""

    sort_keys = False

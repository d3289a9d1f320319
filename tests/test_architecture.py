"""The layout is the architecture: imports run one way, and nothing names the neighbours' files."""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "api": {"planner", "catalogs"},
    "planner": {"solvers", "catalogs"},
    "solvers": set(),
    "catalogs": set(),
}


def imported_packages(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
    return {module.split(".")[0] for module in modules if module}


def sources(layer):
    return sorted((ROOT / layer).rglob("*.py"))


def test_imports_point_one_way():
    for layer, allowed in MAY_IMPORT.items():
        for path in sources(layer):
            used = imported_packages(path) & (MAY_IMPORT.keys() - {layer})
            assert used <= allowed, f"{path} imports {used - allowed}"


def test_the_bill_shares_no_code_with_the_model():
    for path in sources("planner/billing"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        foreign = {m for m in modules if m and m.startswith(("planner", "solvers"))}
        assert all(m.startswith("planner.billing") for m in foreign), f"{path}: {foreign}"


def test_the_search_on_the_bill_knows_no_model():
    for path in sources("planner/bill_search"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        model = ("solvers", "planner.formulation", "planner.decomposition", "planner.recourse")
        assert not [one for one in modules if one and one.startswith(model)], path


def test_solver_packages_are_imported_only_inside_their_backends():
    packages = {"ortools", "pulp", "highspy"}
    for layer in MAY_IMPORT:
        for path in sources(layer):
            top_level = ast.parse(path.read_text(encoding="utf-8")).body
            names = {
                (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or ""
                for node in top_level
                if isinstance(node, ast.Import | ast.ImportFrom)
            }
            assert not {name.split(".")[0] for name in names} & packages, path


def test_no_product_code_names_the_shared_reference_data():
    for layer in MAY_IMPORT:
        for path in sources(layer):
            assert not re.search(r"\.\./shared|/shared/", path.read_text(encoding="utf-8")), path


def test_packages_are_listed_explicitly():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for layer in MAY_IMPORT
        for path in (ROOT / layer).rglob("__init__.py")
    }
    assert set(listed) == found


def test_constraints_are_names_and_versions_only():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line), line

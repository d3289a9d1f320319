"""Catalogues written by hand, and what is said when they are wrong."""

import json
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pydantic import ValidationError

from catalogs import Catalog, CatalogDocument, InvalidInputError, OfferKind, Selector, write_catalog
from catalogs.document import DocumentRate

ON_DEMAND = {"instance_type": "m.large", "region": "here", "kind": "on_demand", "hourly_usd": 0.1}
RESERVED = {
    "instance_type": "m.large",
    "region": "here",
    "kind": "reserved_standard",
    "term_months": 12,
    "payment": "no_upfront",
    "hourly_usd": 0.06,
}


def document(**changes):
    return {
        "name": "lab",
        "source": "a price list",
        "as_of": "2026-01-31",
        "instance_types": [
            {"name": "m.large", "vcpus": 2, "normalized_units": 4, "size_flexible": True},
            {"name": "rack"},
        ],
        "rates": [ON_DEMAND, RESERVED],
    } | changes


def read(tmp_path, content):
    path = tmp_path / "lab.yaml"
    path.write_text(yaml.safe_dump(content))
    return Catalog.read(path)


def faults_of(read_it, *arguments):
    with pytest.raises(InvalidInputError) as caught:
        read_it(*arguments)
    return [str(fault) for fault in caught.value.faults]


def test_a_document_answers_like_any_catalogue(tmp_path):
    catalog = read(tmp_path, document())
    (offer,) = catalog.dedicated_offers("here", ["m"])

    assert catalog.on_demand_usd("m.large", "here") == Decimal("0.1")
    assert offer.offer_id == "custom:reserved_standard:here:m.large:1y:no_upfront"
    assert (offer.term_hours, offer.units, offer.term_months) == (8760, 4, 12)
    assert str(catalog.billed_as("m.large", "here")[0].pool) == "here m linux"
    assert [t.name for t in catalog.candidates(Selector(), "here")] == ["m.large"]
    assert [rate.source for rate in catalog.rates_of("m.large", "here")] == ["a price list"] * 2
    assert catalog.summary()["derived_share"] == 0


def test_yaml_json_inline_and_parquet_are_one_catalogue(tmp_path):
    from_yaml = read(tmp_path, document())
    as_json = tmp_path / "lab.json"
    as_json.write_text(json.dumps(document()))
    write_catalog(from_yaml, tmp_path / "lab.parquet")
    inline = CatalogDocument.model_validate(document())
    others = Catalog.read(as_json), Catalog.read(tmp_path / "lab.parquet")

    for other in (*others, Catalog.from_document(inline)):
        pd.testing.assert_frame_equal(other.rates, from_yaml.rates)
        pd.testing.assert_frame_equal(other.instance_types, from_yaml.instance_types)
        assert other.provenance == from_yaml.provenance


def test_terms_may_be_any_whole_number_of_hours(tmp_path):
    short = {key: value for key, value in RESERVED.items() if key != "term_months"}
    catalog = read(tmp_path, document(rates=[ON_DEMAND, short | {"term_hours": 4}]))

    (offer,) = catalog.dedicated_offers("here", ["m.large"])
    assert offer.offer_id.endswith(":4h:no_upfront")


def test_every_fault_of_a_document_is_reported_at_once(tmp_path):
    """A wrong row neither hides the faults of others nor makes them look wrong."""
    wrong = document(
        currency="EUR",
        instance_types=[
            {"name": "m.large"},
            {"name": "m.xlarge", "vcpu": 4},
            {"name": "m.large"},
        ],
        rates=[
            ON_DEMAND | {"hourly_usd": -1},
            RESERVED,
            RESERVED,
            ON_DEMAND | {"instance_type": "m.xlarge"},
            ON_DEMAND | {"instance_type": "m.xlrge"},
            RESERVED | {"region": "there", "kind": "savings_plan_compute"},
            RESERVED | {"payment": None, "term_months": 36},
        ],
    )

    assert faults_of(read, tmp_path, wrong) == [
        "instance_types[1].vcpu = 4: Extra inputs are not permitted",
        "rates[0].hourly_usd = -1: Input should be greater than or equal to 0",
        "rates[6] = {'hourly_usd': 0.06, 'instance_type': 'm.large', "
        "'kind': 'reserved_standard',...: reserved_standard is a commitment: "
        "give its term and its payment",
        "currency = 'EUR': convert the prices to USD and write USD",
        "instance_types[2].name = 'm.large': stands twice; keep one row per type",
        "rates[2] = 'm.large here linux shared reserved_standard 8760 no_upfront': "
        "an earlier row has this key; keep one",
        "rates[4].instance_type = 'm.xlrge': no such instance type in this catalogue; "
        "did you mean m.xlarge or m.large?",
        "rates[5] = 'm.large there linux shared': "
        "has a savings plan rate but no on_demand rate there; add one",
    ]


def test_an_inline_document_reports_its_faults_too():
    inline = CatalogDocument.model_validate(
        document(rates=[RESERVED | {"kind": "savings_plan_compute"}])
    )

    assert faults_of(Catalog.from_document, inline) == [
        "rates[0] = 'm.large here linux shared': "
        "has a savings plan rate but no on_demand rate there; add one"
    ]


@pytest.mark.parametrize(
    ("changes", "fix"),
    [
        ({"prices": []}, "Extra inputs are not permitted"),
        ({"rates": [RESERVED | {"term_hours": 8760}]}, "term_hours or term_months, not both"),
        ({"rates": [RESERVED | {"term_months": 5}]}, "multiple of 12"),
        ({"rates": []}, "at least 1 item"),
    ],
)
def test_a_document_rejects(changes, fix):
    with pytest.raises(ValidationError, match=fix):
        CatalogDocument.model_validate(document(**changes))


def test_a_wrong_head_is_reported(tmp_path):
    headless = {key: value for key, value in document().items() if key != "source"}

    assert [text.split(" = ")[0] for text in faults_of(read, tmp_path, headless)] == ["source"]
    assert faults_of(read, tmp_path, ["a list"]) == [
        "lab.yaml = ['a list']: write a mapping with name, source, as_of, instance_types, …"
    ]


def test_files_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("broken.parquet").write_bytes(b"no parquet")
    Path("broken.json").write_text("{")

    assert faults_of(Catalog.read, "none.yaml") == [
        "catalog = 'none.yaml': no such file; check the path"
    ]
    assert faults_of(Catalog.read, "prices.csv") == [
        "catalog = 'prices.csv': name a .parquet, .yaml, .yml or .json file"
    ]
    assert "cannot be read" in faults_of(Catalog.read, "broken.json")[0]
    (rates, types) = faults_of(Catalog.read, "broken.parquet")
    assert rates.startswith("catalog = 'broken.parquet': cannot be read")
    assert types.startswith("catalog = 'broken.types.parquet': cannot be read")
    assert faults_of(Catalog.bundled, "oracle") == [
        "catalog = 'oracle': name one of aws, azure, gcp, or a file"
    ]


def rewritten(tmp_path, change):
    """A valid Parquet catalogue whose rates table was changed."""
    path = tmp_path / "lab.parquet"
    write_catalog(read(tmp_path, document()), path)
    pq.write_table(change(pq.read_table(path)), path)
    return path


def test_wrong_columns_of_a_parquet_file_are_all_named(tmp_path):
    def change(table):
        text = pa.array([str(value) for value in table["hourly_nanousd"]])
        table = table.drop_columns(["region", "hourly_nanousd"])
        return table.append_column("hourly_nanousd", text).append_column("hourly_usd", text)

    assert faults_of(Catalog.read, rewritten(tmp_path, change)) == [
        "lab.parquet columns = 'hourly_usd': is no column of a catalogue; leave it out",
        "lab.parquet columns = 'region': is missing; add it as category",
        "lab.parquet column hourly_nanousd = 'str': write it as int64",
    ]


def test_wrong_rows_of_a_parquet_file_are_all_named(tmp_path):
    def change(table):
        frame = table.to_pandas().astype({"kind": object, "payment": object})
        frame = pd.concat([frame] * 13, ignore_index=True)
        frame.loc[1, ["kind", "hourly_nanousd"]] = ["reserved", -5]
        frame.loc[2, "term_hours"] = 7
        frame.loc[3, "term_hours"] = 0
        return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(
            table.schema.metadata
        )

    path = rewritten(tmp_path, change)
    assert faults_of(Catalog.read, path)[:5] == [
        f"lab.parquet row 1, kind = 'reserved': write one of {', '.join(OfferKind)}",
        "lab.parquet row 1, hourly_nanousd = -5: is negative; write 0 or more",
        "lab.parquet row 3, kind = 'reserved_standard': "
        "is a commitment: give its term and its payment",
        "lab.parquet row 1, kind = 'reserved': binds for no term: leave out term and payment",
        "lab.parquet row 2, kind = 'on_demand': binds for no term: leave out term and payment",
    ]


def test_a_file_wrong_throughout_lists_some_rows_and_counts_the_rest(tmp_path):
    path = rewritten(tmp_path, lambda table: pa.concat_tables([table] * 14))
    faults = faults_of(Catalog.read, path)

    assert len(faults) == 21
    assert faults[-1].endswith("the same in 6 rows")


def test_a_parquet_file_without_provenance_is_refused(tmp_path):
    path = rewritten(tmp_path, lambda table: table.replace_schema_metadata({}))

    assert faults_of(Catalog.read, path) == [
        "lab.parquet metadata = None: write the catalogue with write_catalog, "
        "which stores its source and date"
    ]


def test_a_savings_plan_rate_of_zero_is_refused():
    """A plan that covers usage for nothing would have no savings share and no end."""
    with pytest.raises(ValidationError, match="give hourly_usd above 0"):
        DocumentRate(
            instance_type="a",
            region="here",
            kind="savings_plan_compute",
            term_hours=4,
            payment="no_upfront",
            hourly_usd=0,
        )

"""AWS's names of places, as price lists write them, and their region codes.

Newer files carry the code beside the name; older ones and the pricing pages only the name. Names
are matched without accents and upper case, "EU" reads as "Europe".
"""

import re
import unicodedata
from collections.abc import Mapping

_NAMES: Mapping[str, str] = {
    "af-south-1": "Africa (Cape Town)",
    "af-south-1-los-1": "Nigeria (Lagos)",
    "ap-east-1": "Asia Pacific (Hong Kong)",
    "ap-east-2": "Asia Pacific (Taipei)",
    "ap-northeast-1": "Asia Pacific (Tokyo)",
    "ap-northeast-1-tpe-1": "Taiwan (Taipei)",
    "ap-northeast-1-wl1-kix1": "Asia Pacific (KDDI) - Osaka",
    "ap-northeast-1-wl1-nrt1": "Asia Pacific (KDDI) - Tokyo",
    "ap-northeast-2": "Asia Pacific (Seoul)",
    "ap-northeast-2-wl1-cjj1": "Asia Pacific (SKT) - Daejeon",
    "ap-northeast-2-wl1-sel1": "Asia Pacific (SKT) - Seoul",
    "ap-northeast-3": "Asia Pacific (Osaka)",
    "ap-south-1": "Asia Pacific (Mumbai)",
    "ap-south-1-ccu-1": "India (Kolkata)",
    "ap-south-1-del-1": "India (Delhi)",
    "ap-south-2": "Asia Pacific (Hyderabad)",
    "ap-southeast-1": "Asia Pacific (Singapore)",
    "ap-southeast-1-bkk-1": "Thailand (Bangkok)",
    "ap-southeast-1-mnl-1": "Philippines (Manila)",
    "ap-southeast-2": "Asia Pacific (Sydney)",
    "ap-southeast-2-akl-1": "New Zealand (Auckland)",
    "ap-southeast-2-per-1": "Australia (Perth)",
    "ap-southeast-3": "Asia Pacific (Jakarta)",
    "ap-southeast-4": "Asia Pacific (Melbourne)",
    "ap-southeast-5": "Asia Pacific (Malaysia)",
    "ap-southeast-7": "Asia Pacific (Thailand)",
    "ca-central-1": "Canada (Central)",
    "ca-central-1-wl1-yto1": "Canada (BELL) - Toronto",
    "ca-west-1": "Canada West (Calgary)",
    "eu-central-1": "Europe (Frankfurt)",
    "eu-central-1-ham-1": "Germany (Hamburg)",
    "eu-central-1-waw-1": "Poland (Warsaw)",
    "eu-central-1-wl1-ber1": "Europe (Vodafone) - Berlin",
    "eu-central-1-wl1-dtm1": "Europe (Vodafone) - Dortmund",
    "eu-central-1-wl1-muc1": "Europe (Vodafone) - Munich",
    "eu-central-2": "Europe (Zurich)",
    "eu-north-1": "Europe (Stockholm)",
    "eu-north-1-cph-1": "Denmark (Copenhagen)",
    "eu-north-1-hel-1": "Finland (Helsinki)",
    "eu-south-1": "Europe (Milan)",
    "eu-south-2": "Europe (Spain)",
    "eu-west-1": "Europe (Ireland)",
    "eu-west-2": "Europe (London)",
    "eu-west-2-wl1-lon1": "Europe (Vodafone) - London",
    "eu-west-2-wl1-man1": "Europe (Vodafone) - Manchester",
    "eu-west-2-wl2-man1": "Europe (British Telecom) - Manchester",
    "eu-west-3": "Europe (Paris)",
    "eu-west-3-wl1-cmn1": "Morocco (Casablanca)",
    "il-central-1": "Israel (Tel Aviv)",
    "me-central-1": "Middle East (UAE)",
    "me-south-1": "Middle East (Bahrain)",
    "me-south-1-mct-1": "Oman (Muscat)",
    "mx-central-1": "Mexico (Central)",
    "sa-east-1": "South America (Sao Paulo)",
    "us-east-1": "US East (N. Virginia)",
    "us-east-1-atl-1": "US East (Atlanta)",
    "us-east-1-bos-1": "US East (Boston)",
    "us-east-1-bue-1": "Argentina (Buenos Aires)",
    "us-east-1-chi-1": "US East (Chicago)",
    "us-east-1-dfw-1": "US East (Dallas)",
    "us-east-1-iah-1": "US East (Houston)",
    "us-east-1-lim-1": "Peru (Lima)",
    "us-east-1-mci-1": "US East (Kansas City 2)",
    "us-east-1-mia-1": "US East (Miami)",
    "us-east-1-msp-1": "US East (Minneapolis)",
    "us-east-1-nyc-1": "US East (New York City)",
    "us-east-1-phl-1": "US East (Philadelphia)",
    "us-east-1-qro-1": "Mexico (Queretaro)",
    "us-east-1-scl-1": "Chile (Santiago)",
    "us-east-1-wl1": "US East (Verizon) - Boston",
    "us-east-1-wl1-atl1": "US East (Verizon) - Atlanta",
    "us-east-1-wl1-bna1": "US East (Verizon) - Nashville",
    "us-east-1-wl1-chi1": "US East (Verizon) - Chicago",
    "us-east-1-wl1-clt1": "US East (Verizon) - Charlotte",
    "us-east-1-wl1-dfw1": "US East (Verizon) - Dallas",
    "us-east-1-wl1-dtw1": "US East (Verizon) - Detroit",
    "us-east-1-wl1-iah1": "US East (Verizon) - Houston",
    "us-east-1-wl1-mia1": "US East (Verizon) - Miami",
    "us-east-1-wl1-msp1": "US East (Verizon) - Minneapolis",
    "us-east-1-wl1-nyc1": "US East (Verizon) - New York",
    "us-east-1-wl1-tpa1": "US East (Verizon) - Tampa",
    "us-east-1-wl1-was1": "US East (Verizon) - Washington DC",
    "us-east-2": "US East (Ohio)",
    "us-gov-east-1": "AWS GovCloud (US-East)",
    "us-gov-west-1": "AWS GovCloud (US-West)",
    "us-west-1": "US West (N. California)",
    "us-west-2": "US West (Oregon)",
    "us-west-2-den-1": "US West (Denver)",
    "us-west-2-hnl-1": "US West (Honolulu)",
    "us-west-2-las-1": "US West (Las Vegas)",
    "us-west-2-lax-1": "US West (Los Angeles)",
    "us-west-2-pdx-1": "US West (Portland)",
    "us-west-2-phx-1": "US West (Phoenix)",
    "us-west-2-sea-1": "US West (Seattle)",
    "us-west-2-wl1": "US West (Verizon) - San Francisco Bay Area",
    "us-west-2-wl1-den1": "US West (Verizon) - Denver",
    "us-west-2-wl1-las1": "US West (Verizon) - Las Vegas",
    "us-west-2-wl1-lax1": "US West (Verizon) - Los Angeles",
    "us-west-2-wl1-phx1": "US West (Verizon) - Phoenix",
    "us-west-2-wl1-sea1": "US West (Verizon) - Seattle",
}

_REGION_CODE = re.compile(r"[a-z]{2}(-[a-z]+){1,2}-\d(-[a-z]{3}-\d|-wl\d(-[a-z]{3}\d)?)?")


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return plain.strip().lower().replace("eu (", "europe (")


_CODES = {_folded(name): code for code, name in _NAMES.items()}


def region_of(code: str, location: str) -> str | None:
    """The region code of a row: its own, else that of its location; None if neither is known."""
    if code:
        return code if _REGION_CODE.fullmatch(code) else None
    return _CODES.get(_folded(location))

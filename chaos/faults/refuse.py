"""Kind `refuse`: a link's proxy disabled. Connections are closed, new ones refused."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaos.links import LinkKind
from plans.models.fault import FaultSpec, Fits


class Refuse(FaultSpec):
    """The link's proxy disabled: connections are closed, new ones refused."""

    on = "link"
    FITS: ClassVar = {"refuse": Fits(("enable",), ("link_silent",), ("link_answers",))}
    kind: Literal["refuse"]


class RefuseKind(LinkKind[Refuse]):
    """No toxic at all: the proxy itself."""

    kind = "refuse"
    Spec = Refuse

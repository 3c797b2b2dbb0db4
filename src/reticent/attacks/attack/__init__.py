"""What every attack is: a frozen dataclass whose fields are its options.

One class a kind of attack, each with the one method that a leaf writes; files are parted by what is attacked.
"""

from reticent.attacks.attack.language import (
    CanaryAttack,
    ContinuationAttack,
    LayerAttack,
    RecitationAttack,
    TextMembershipAttack,
    TranslatorAttack,
)
from reticent.attacks.attack.membership import MembershipAttack, SignalsAttack
from reticent.attacks.attack.named import Named
from reticent.attacks.attack.predictive import (
    AttributeAttack,
    DetectorAttack,
    ExtractionAttack,
    InversionAttack,
    PoisonAttack,
    PropertyAttack,
)
from reticent.attacks.attack.published import (
    DescendantsAttack,
    GradientAttack,
    ReleaseAttack,
    TextGradientAttack,
    WeightsAttack,
)

__all__ = [
    "Attack",
    "AttributeAttack",
    "CanaryAttack",
    "ContinuationAttack",
    "DescendantsAttack",
    "DetectorAttack",
    "ExtractionAttack",
    "GradientAttack",
    "InversionAttack",
    "LayerAttack",
    "MembershipAttack",
    "Named",
    "PoisonAttack",
    "PropertyAttack",
    "RecitationAttack",
    "ReleaseAttack",
    "SignalsAttack",
    "TextGradientAttack",
    "TextMembershipAttack",
    "TranslatorAttack",
    "WeightsAttack",
]

Attack = (
    MembershipAttack
    | AttributeAttack
    | InversionAttack
    | PropertyAttack
    | GradientAttack
    | ReleaseAttack
    | TextGradientAttack
    | WeightsAttack
    | DetectorAttack
    | ExtractionAttack
    | TextMembershipAttack
    | LayerAttack
    | PoisonAttack
    | RecitationAttack
    | TranslatorAttack
    | CanaryAttack
    | ContinuationAttack
    | DescendantsAttack
)
"""Any attack of the catalogue."""

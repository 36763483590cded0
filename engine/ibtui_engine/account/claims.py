"""All claims, in the order to tell them in."""

from __future__ import annotations

from ibtui_engine.account.claim import Claim
from ibtui_engine.account.controls import RandomLabels, Relu, Sensitivity
from ibtui_engine.account.section_2 import DataProcessing
from ibtui_engine.account.section_3_3 import Corner, Endpoints, FitOrder, TwoPhases
from ibtui_engine.account.section_3_4 import LittleData
from ibtui_engine.account.section_3_5 import Coincidence, Leveling, TransitionEpoch
from ibtui_engine.account.section_3_6 import Depth, Order
from ibtui_engine.account.section_3_7 import Correlations, Noise, Wiener
from ibtui_engine.account.section_3_8 import Bound, Consistent, Slopes, SoftBound, SymmetricBound
from ibtui_engine.account.section_3_9 import MoreData, RightWithData
from ibtui_engine.account.section_4 import Committee, MonteCarlo, NoiseAndDepth, Perceptron, StandardProblem

CLAIMS: tuple[Claim, ...] = (
    DataProcessing(),
    TwoPhases(),
    FitOrder(),
    Endpoints(),
    LittleData(),
    TransitionEpoch(),
    Coincidence(),
    Leveling(),
    Wiener(),
    Correlations(),
    Depth(),
    Order(),
    Corner(),
    SymmetricBound(),
    SoftBound(),
    Bound(),
    Slopes(),
    Consistent(),
    MoreData(),
    RightWithData(),
    Committee(),
    StandardProblem(),
    Perceptron(),
    NoiseAndDepth(),
    MonteCarlo(),
    Noise(),
    Relu(),
    RandomLabels(),
    Sensitivity(),
)

"""All claims, in the order to tell them in."""

from __future__ import annotations

from ibtui_engine.account.claim import Claim
from ibtui_engine.account.controls import RandomLabels, Relu, Sensitivity, ShapeOfNoise
from ibtui_engine.account.section_2 import DataProcessing
from ibtui_engine.account.section_3_1 import Orbits
from ibtui_engine.account.section_3_3 import Corner, Endpoints, FitOrder, TwoPhases
from ibtui_engine.account.section_3_4 import LittleData
from ibtui_engine.account.section_3_5 import Coincidence, Leveling, TransitionEpoch
from ibtui_engine.account.section_3_6 import Depth, Order, Shorter, Width
from ibtui_engine.account.section_3_7 import Correlations, Noise, OneConstant, Wiener
from ibtui_engine.account.section_3_8 import Bound, Consistent, CriticalPoints, Slopes, SoftBound, SymmetricBound
from ibtui_engine.account.section_3_9 import MoreData, RightWithData, SampledCurves
from ibtui_engine.account.section_4 import (
    Committee,
    Guided,
    LargeProblem,
    MonteCarlo,
    NoiseAndDepth,
    Perceptron,
    StandardProblem,
)

CLAIMS: tuple[Claim, ...] = (
    DataProcessing(),
    Orbits(),
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
    Shorter(),
    Width(),
    OneConstant(),
    Corner(),
    SymmetricBound(),
    SoftBound(),
    Bound(),
    Slopes(),
    Consistent(),
    CriticalPoints(),
    MoreData(),
    RightWithData(),
    SampledCurves(),
    Committee(),
    StandardProblem(),
    LargeProblem(),
    Perceptron(),
    NoiseAndDepth(),
    MonteCarlo(),
    Guided(),
    Noise(),
    ShapeOfNoise(),
    Relu(),
    RandomLabels(),
    Sensitivity(),
)

"""Special functions, spelled as torch.special spells them: what there is of them here."""
from .functions.elementwise import (
                                    erf,
                                    erfc,
                                    erfinv,
                                    exp2,
                                    expm1,
                                    log1p,
                                    log_softmax,
                                    logit,
                                    logsumexp,
                                    round,
                                    sigmoid as expit,
                                    sinc,
                                    softmax,
                                    xlogy,
)

__all__ = ["erf", "erfc", "erfinv", "exp2", "expit", "expm1", "log1p", "log_softmax", "logit", "logsumexp", "round", "sinc",
           "softmax", "xlogy"]

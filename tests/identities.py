r"""Identities beyond the derivation, each with the definitions that it needs, as TeX.

They follow section by section what is known of the formula; a chapter that uses one shows it
under a label of its own.
"""

SCALED = [  # the weights times alpha > 0, and eps times alpha^2
    r"x_{ij} = \sum_d X_{id} \alpha W_{dj}",
    r"m_j = \frac{1}{N} \sum_i x_{ij}",
    r"\tau_j^2 = \frac{1}{N} \sum_i (x_{ij} - m_j)^2",
    r"\hat x_{ij} = (x_{ij} - m_j) (\tau_j^2 + \alpha^2 \epsilon)^{-1/2}",
    r"K = \sum_{k,l} g_{kl} (\gamma_l \hat x_{kl} + \beta_l)",
]
LAYER_NORM = [  # gamma and beta belong to the columns, over which it is normalised
    r"m_i = \frac{1}{H} \sum_j h_{ij}",
    r"\tau_i^2 = \frac{1}{H} \sum_j (h_{ij} - m_i)^2",
    r"\hat x_{ij} = (h_{ij} - m_i) (\tau_i^2 + \epsilon)^{-1/2}",
    r"K = \sum_{k,l} g_{kl} (\gamma_l \hat x_{kl} + \beta_l)",
    r"x_{ij} = g_{ij} \gamma_j",
]
RMS_NORM = [
    r"\tau_i^2 = \frac{1}{H} \sum_j h_{ij}^2",
    r"\hat x_{ij} = h_{ij} (\tau_i^2 + \epsilon)^{-1/2}",
    r"K = \sum_{k,l} g_{kl} \gamma_l \hat x_{kl}",
    r"x_{ij} = g_{ij} \gamma_j",
]
EVALUATION = [  # m and tau^2 are running statistics: numbers
    "m_j",
    r"\tau_j^2",
    r"x_{ij} = \gamma_j (h_{ij} - m_j) (\tau_j^2 + \epsilon)^{-1/2} + \beta_j",
    r"K = \sum_{k,l} g_{kl} x_{kl}",
]
DOUBLE = [  # the gradients as a function of g, gamma and h, and upstreams u, v, w of each
    r"\Phi = \sum_{k,l} u_{kl} \frac{\partial \mathcal L}{\partial h_{kl}}"
    r" + \sum_l v_l \frac{\partial \mathcal L}{\partial \gamma_l}"
    r" + \sum_l w_l \frac{\partial \mathcal L}{\partial \beta_l}",
    r"\bar u_j = \frac{1}{N} \sum_i u_{ij}",
    r"\bar g_j = \frac{1}{N} \sum_i g_{ij}",
    r"p_j = \frac{1}{N} \sum_i u_{ij} \hat h_{ij}",
    r"m_j = \frac{1}{N} \sum_i g_{ij} \hat h_{ij}",
    r"e_j = \frac{1}{N} \sum_i g_{ij} u_{ij} - \bar g_j \bar u_j",
]

DH = r"\frac{\partial \mathcal L}{\partial h_{ij}}"

IDENTITIES = {
    "matrix form": (
        rf"{DH} = \frac{{\gamma_j}}{{s_j}} \sum_k \left(\delta_{{ik}} - \frac{{1}}{{N}}"
        r" - \frac{1}{N} \hat h_{ij} \hat h_{kj}\right) g_{kj}",
        [],
    ),
    "sum of squares": (r"\sum_i \hat h_{ij}^2 = N \sigma_j^2 (\sigma_j^2 + \epsilon)^{-1}", []),
    "dh sums to 0": (rf"\sum_i {DH} = 0", []),
    "gradient at scaled weights": (
        r"\frac{\partial K}{\partial x_{ij}} = \frac{1}{\alpha} \frac{\partial \mathcal L}{\partial h_{ij}}",
        SCALED,
    ),
    "gradient by scaled weights, eps = 0": (
        r"\frac{\partial K}{\partial V_{dj}} = \frac{1}{\alpha} \frac{\partial \mathcal L}{\partial W_{dj}}",
        [
            r"\epsilon = 0",
            r"V_{dj} = \alpha W_{dj}",
            r"x_{ij} = \sum_d X_{id} V_{dj}",
            *SCALED[1:],
        ],
    ),
    "the family, over a batch": (
        rf"{DH} = \frac{{1}}{{s_j}} \left( x_{{ij}} - \frac{{1}}{{N}} \sum_k x_{{kj}}"
        r" - \hat h_{ij} \frac{1}{N} \sum_k x_{kj} \hat h_{kj} \right)",
        [r"x_{ij} = \frac{\partial \mathcal L}{\partial \hat h_{ij}}"],
    ),
    "the family, over features": (
        r"\frac{\partial K}{\partial h_{ij}} = (\tau_i^2 + \epsilon)^{-1/2} \left( x_{ij}"
        r" - \frac{1}{H} \sum_l x_{il}"
        r" - \hat x_{ij} \frac{1}{H} \sum_l x_{il} \hat x_{il} \right)",
        LAYER_NORM,
    ),
    "RMS norm": (
        r"\frac{\partial K}{\partial h_{ij}} = (\tau_i^2 + \epsilon)^{-1/2} \left( x_{ij}"
        r" - \hat x_{ij} \frac{1}{H} \sum_l x_{il} \hat x_{il} \right)",
        RMS_NORM,
    ),
    "evaluation mode": (
        r"\frac{\partial K}{\partial h_{ij}} = \gamma_j (\tau_j^2 + \epsilon)^{-1/2} g_{ij}",
        EVALUATION,
    ),
    "evaluation mode, bias": (
        r"\frac{\partial K}{\partial b_j} = \gamma_j (\tau_j^2 + \epsilon)^{-1/2} \sum_i g_{ij}",
        EVALUATION,
    ),
    "double backward by g": (
        r"\frac{\partial \Phi}{\partial g_{ij}} = \frac{\gamma_j}{s_j} (u_{ij} - \bar u_j - p_j \hat h_{ij})"
        r" + v_j \hat h_{ij} + w_j",
        DOUBLE,
    ),
    "double backward by gamma": (
        r"\frac{\partial \Phi}{\partial \gamma_j} = \frac{N}{s_j} (e_j - m_j p_j)",
        DOUBLE,
    ),
    "double backward by h": (
        r"\frac{\partial \Phi}{\partial h_{ij}} = -\frac{\gamma_j}{s_j^2} \Big( p_j (g_{ij} - \bar g_j)"
        r" + m_j (u_{ij} - \bar u_j) + (e_j - 3 m_j p_j) \hat h_{ij} \Big)"
        r" + \frac{v_j}{s_j} (g_{ij} - \bar g_j - m_j \hat h_{ij})",
        DOUBLE,
    ),
}

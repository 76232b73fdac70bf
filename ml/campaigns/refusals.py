"""Why a campaign is not created, in both languages."""

from datetime import date

from ml.cli import CommandError
from ml.snapshots.feature import Text

OUT_OF_RANGE = Text(
    es="{field} es {value}; dá un número de {low} a {high}",
    en="{field} is {value}; give a number from {low} to {high}",
)
BAD_NAME = Text(
    es="el nombre es {name}; dá un texto de una línea que no empiece ni termine con un espacio",
    en="name is {name}; give one line of text that neither begins nor ends with a space",
)
LONG_NAME = Text(
    es="el nombre tiene {length} caracteres; dá {longest} como máximo",
    en="name has {length} characters; give at most {longest}",
)
BAD_PERSON = Text(
    es="quien la crea es {name}; dá un texto de una línea",
    en="who is {name}; give one line of text",
)
BAD_CONTROL_SHARE = Text(
    es="la parte de control es {value}; dá un número entre 0 y 1, sin los extremos",
    en="control_share is {value}; give a number between 0 and 1, without both",
)
BAD_START = Text(
    es="el comienzo es {start}; los puntajes de {snapshot} hablan de los {days} días hasta {last}: dá uno de ellos",
    en="starts_on is {start}; the scores of {snapshot} speak of the {days} days up to {last}: give one of them",
)
NOBODY_BETWEEN = Text(
    es="la probabilidad mínima {low} es mayor que la máxima {high}: no hay nadie en el medio",
    en="min_score {low} is above max_score {high}: nobody is in between",
)
NO_SCORES = Text(
    es='no hay puntajes de {snapshot}; para calcularlos: make airflow ARGS="dags test churn_batch_score_w {snapshot}"',
    en='no scores for {snapshot}; score it: make airflow ARGS="dags test churn_batch_score_w {snapshot}"',
)
OTHER_SCORES = Text(
    es="los puntajes de {snapshot} fueron reemplazados mientras tanto, por la versión {version}; mirá los nuevos y"
    " creá la campaña otra vez",
    en="the scores of {snapshot} were replaced meanwhile, by version {version}; look at the new ones and create the"
    " campaign again",
)
EXISTS = Text(
    es="la campaña {name} ya existe; elegí otro nombre",
    en="campaign {name} exists; choose another name",
)
NOBODY_LEFT = Text(
    es="de los clientes con puntaje de {snapshot} no queda nadie en este segmento: los otros están reservados, o en"
    " otra campaña cuyos {days} días se cruzan con los que empiezan el {start}",
    en="nobody scored at {snapshot} is left for this segment: the others are held out, or in another campaign whose"
    " {days} days overlap those from {start}",
)
NOBODY_WORTH_IT = Text(
    es="con estos costos, este presupuesto y esta capacidad no conviene contactar a ningún cliente",
    en="no customer is worth contacting with these costs, budget and capacity",
)
TOO_MANY = Text(
    es="pediste {number} clientes; este segmento, el presupuesto y la capacidad permiten {limit} como máximo",
    en="customers is {number}; this segment, the budget and the capacity allow {limit} at most",
)
TOO_FEW = Text(
    es="{number} clientes con una parte de control de {share} son muy pocos: cada uno de {strata} grupos por"
    " probabilidad necesita {least} clientes en cada rama",
    en="{number} customers with a control share of {share} are too few: each of {strata} groups by score needs {least}"
    " customers in either arm",
)


class Refused(CommandError):
    """The campaign is not created; `template` says why in both languages, with `values` in place of each {name}."""

    def __init__(self, template: Text, **values: str | float | date) -> None:
        super().__init__(template.en.format(**{name: _plain(name, value) for name, value in values.items()}))
        self.template, self.values = template, values


def _plain(name: str, value: str | float | date) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return repr(value) if name == "name" else str(value)

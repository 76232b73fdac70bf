"""Demographics of customers: the columns of DEMOGRAFICOS.csv, including free text."""

import numpy as np
import pyarrow as pa

from sample_data.behaviour import Floats, Ints, Traits
from sample_data.draws import choice, ordered_choice

COVERAGE = 0.7003
CITY_MISSING = 0.06
GENDERS = {"male": 0.52, "female": 0.42, "Unknown": 0.06}
AGES = {
    "00. Sin Dato": 0.05,
    "01.Menor de 18 años": 0.01,
    "02.Entre 18 y 25 años": 0.24,
    "03.Entre 26 y 30 años": 0.19,
    "04.Entre 31 y 35 años": 0.16,
    "05.Entre 36 y 40 años": 0.13,
    "06.Entre 41 y 55 años": 0.16,
    "07.Entre 56 y 65 años": 0.045,
    "08.Mayor de 65 años": 0.015,
}
CARDS = {
    "Account Money": 0.25,
    "Ticket": 0.0385,
    "Bank Transfer": 0.0004,
    "ATM": 0.0003,
    "digital_currency": 0.0003,
    "Debit Card": 0.24,
    "Credit Card": 0.4705,
}
STATES = {
    "buenos aires": 0.44, "capital federal": 0.28, "cordoba": 0.055, "santa fe": 0.052, "mendoza": 0.031,
    "tucuman": 0.017, "entre rios": 0.015, "salta": 0.012, "rio negro": 0.011, "neuquen": 0.011, "chubut": 0.010,
    "misiones": 0.010, "chaco": 0.009, "corrientes": 0.009, "san juan": 0.007, "jujuy": 0.006, "san luis": 0.006,
    "santiago del estero": 0.005, "la pampa": 0.004, "santa cruz": 0.004, "tierra del fuego": 0.003, "catamarca": 0.003,
    "la rioja": 0.003, "formosa": 0.002, "montevideo": 0.0003, "florida": 0.0002, "distrito capital": 0.0001,
    "região metropolitana": 0.0001, "lima": 0.0001, "asuncion": 0.0001, "virginia": 0.00003, "são paulo": 0.00003,
}  # fmt: skip
CITIES = {
    "capital federal": (
        "Palermo", "Caballito", "Belgrano", "Recoleta", "Flores", "Almagro", "Balvanera", "Villa Urquiza", "Núñez",
        "Villa Crespo", "Boedo", "San Telmo", "Barracas", "Villa Devoto", "Mataderos", "Liniers", "Constitución",
        "Retiro", "Saavedra", "Colegiales", "CABA", "C.A.B.A.", "Capital Federal", "Ciudad Autónoma de Buenos Aires",
    ),
    "buenos aires": (
        "La Plata", "Mar del Plata", "Quilmes", "Lanús", "Lomas de Zamora", "Morón", "San Justo", "Avellaneda", "Tigre",
        "Pilar", "San Isidro", "Vicente López", "Merlo", "Moreno", "Bahía Blanca", "Tandil", "Florencio Varela",
        "Berazategui", "Ituzaingó", "Ezeiza", "San Nicolás", "Luján", "Zárate", "Campana", "Escobar", "José C. Paz",
    ),
    "cordoba": ("Córdoba", "Villa Carlos Paz", "Río Cuarto", "Villa María", "Alta Gracia", "Jesús María"),
    "santa fe": ("Rosario", "Santa Fe", "Rafaela", "Venado Tuerto", "Reconquista", "Funes"),
    "mendoza": ("Mendoza", "Godoy Cruz", "Guaymallén", "Las Heras", "San Rafael", "Maipú"),
}  # fmt: skip
PLACE_KINDS = (
    "Villa", "San", "Santa", "General", "Coronel", "Puerto", "Colonia", "Barrio", "Pueblo", "Los", "El", "Las",
    "Estación", "Monte", "Arroyo", "Paso",
)  # fmt: skip
PLACE_NAMES = (
    "Acosta", "Aguirre", "Alvear", "Ángela", "Arias", "Belgrano", "Bravo", "Cabrera", "Cárdenas", "Carmen", "Castro",
    "Clara", "Colón", "Correa", "Cruz", "Dorrego", "Elena", "Elisa", "Esperanza", "Fátima", "Ferreyra", "Flores",
    "Gálvez", "Gómez", "Güemes", "Herrera", "Ibarra", "Inés", "Isabel", "Lagos", "Lavalle", "Ledesma", "Lucía", "Luna",
    "Martín", "Medina", "Mitre", "Molinos", "Molle", "Ñandú", "Ocampo", "Olmos", "Paz", "Pinos", "Quiroga", "Ramírez",
    "Ríos", "Roca", "Rosas", "Ruiz", "Sarmiento", "Sauces", "Suárez", "Talas", "Toledo", "Urquiza", "Vedia", "Vera",
)  # fmt: skip
SMALL_PLACES = tuple(f"{kind} {name}" for name in PLACE_NAMES for kind in PLACE_KINDS)
SMALL_PLACE_SHARE = 0.52
SPELLINGS = (str, str.lower, str.upper, "{} ".format, "{}, Argentina".format, 'B° "{}"'.format)
SPELLING_ODDS = (0.72, 0.15, 0.09, 0.025, 0.012, 0.003)


def demographics_table(ids: Ints, traits: Traits, rng: np.random.Generator) -> pa.Table:
    """Rows of DEMOGRAFICOS.csv, for the customers with known demographics; the city may be empty."""
    covered = np.flatnonzero(rng.random(traits.count) < COVERAGE)
    engagement = traits.engagement[covered]
    gender = choice(GENDERS, rng.random(len(covered)))
    age = ordered_choice(AGES, engagement, 0.25, rng)
    card = ordered_choice(CARDS, engagement, 0.4, rng)
    state = choice(STATES, rng.random(len(covered)))
    return pa.table(
        {
            "CITY": _cities(state, rng.random((4, len(covered)))),
            "CUS_CUST_ID_BUY": ids[covered],
            "GENDER": pa.array(GENDERS).take(pa.array(gender)),
            "RANGO_EDAD": pa.array(AGES).take(pa.array(age)),
            "TARJETAS": pa.array(CARDS).take(pa.array(card)),
            "ESTADO": pa.array(STATES).take(pa.array(state)),
        }
    )


def _cities(states: Ints, uniform: Floats) -> list[str]:
    """Free text as people write it: the same town in several spellings, small places beside big ones, gaps."""
    state_names = list(STATES)
    spelling = np.searchsorted(np.cumsum(SPELLING_ODDS)[:-1], uniform[2], side="right").tolist()
    small = (len(SMALL_PLACES) * uniform[1] ** 1.3).astype(np.int64).tolist()
    cities = []
    for state, kind, town, small_place, how, gap in zip(
        states.tolist(), uniform[0].tolist(), uniform[1].tolist(), small, spelling, uniform[3].tolist(), strict=True
    ):
        towns = CITIES.get(state_names[state], ())
        if gap < CITY_MISSING:
            cities.append("")
        elif towns and kind > SMALL_PLACE_SHARE:
            cities.append(SPELLINGS[how](towns[int(len(towns) * town * town)]))
        else:
            cities.append(SPELLINGS[how](SMALL_PLACES[(small_place + 41 * state) % len(SMALL_PLACES)]))
    return cities

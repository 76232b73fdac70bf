"""Texts of the page that scores an uploaded file."""

# key: (Spanish, English)
TEXTS: dict[str, tuple[str, str]] = {
    "batch_title": ("Puntajes para un archivo", "Scores for a file"),
    "batch_intro": (
        "Subí un CSV con ids de clientes, o con sus variables, y descargá la probabilidad de abandono de cada uno.",
        "Upload a CSV of customer ids, or of their features, and download each one's probability of churning.",
    ),
    "batch_ids_help": (
        "**Ids de clientes**: alcanza con una columna `customer_id`. Recibís los puntajes de la fecha de corte que elijas.",
        "**Customer ids**: a column `customer_id` is enough. You get the scores of the snapshot that you choose.",
    ),
    "batch_features_help": (
        "**Variables**: las {count} columnas del modelo, una fila por cliente; una celda vacía es un valor que no se sabe. `customer_id` es opcional.",
        "**Features**: the model's {count} columns, one row a customer; an empty cell is a value that is not known. `customer_id` is optional.",
    ),
    "batch_format_help": (
        "Texto UTF-8 separado por comas con punto decimal, o por punto y coma con coma decimal, como lo guarda Excel en español. Las columnas que no son variables pasan al resultado.",
        "UTF-8 text, separated by commas with a decimal point, or by semicolons with a decimal comma, as a Spanish Excel saves it. Columns that are no features are passed on to the result.",
    ),
    "batch_template": ("Descargar la plantilla", "Download the template"),
    "batch_upload": ("Archivo CSV", "CSV file"),
    "batch_browse": ("Elegir un archivo", "Choose a file"),
    "batch_limits": ("hasta {size} MB", "up to {size} MB"),
    "batch_kind_ids": (
        "El archivo {name} tiene ids de clientes.",
        "{name} is a file of customer ids.",
    ),
    "batch_kind_features": (
        "El archivo {name} tiene variables de clientes.",
        "{name} is a file of customers' features.",
    ),
    "batch_passed_on": ("Pasan al resultado tal cual: {columns}.", "Passed on to the result as they are: {columns}."),
    "batch_ignored": ("No se usan: {columns}.", "Not used: {columns}."),
    "batch_snapshot": ("Fecha de corte", "Snapshot"),
    "batch_is_stored": ("{snapshot} · puntajes del lote semanal", "{snapshot} · scores of the weekly batch"),
    "batch_is_computed": ("{snapshot} · se calculan ahora", "{snapshot} · computed now"),
    "batch_score": ("Calcular los puntajes", "Score"),
    "batch_working": ("Leyendo, revisando y calculando… {share}", "Reading, checking and scoring… {share}"),
    "batch_result": ("Resultado", "Result"),
    "batch_rows": ("Filas", "Rows"),
    "batch_scored": ("Con puntaje", "Scored"),
    "batch_rejected": ("Sin puntaje", "Not scored"),
    "batch_churners": ("Se irían", "Would churn"),
    "batch_churners_help": (
        "Filas cuya probabilidad llega al umbral de la versión, {threshold}.",
        "Rows whose probability reaches the version's threshold, {threshold}.",
    ),
    "batch_download": ("Descargar los puntajes", "Download the scores"),
    "batch_download_problems": ("Descargar los problemas", "Download the problems"),
    "batch_problems": ("Qué está mal", "What is wrong"),
    "batch_problems_all": (
        "Problemas: {count}. La fila 1 es el encabezado.",
        "Problems: {count}. Row 1 is the header.",
    ),
    "batch_problems_some": (
        "Problemas: {count}; acá están los primeros {shown}, el resto en el archivo. La fila 1 es el encabezado.",
        "Problems: {count}; here are the first {shown}, the others are in the file. Row 1 is the header.",
    ),
    "batch_problems_cut": (
        "El archivo tiene el primer millón de problemas.",
        "The file has the first million problems.",
    ),
    "batch_row": ("Fila", "Row"),
    "batch_column": ("Columna", "Column"),
    "batch_value": ("Valor", "Value"),
    "batch_expected": ("Se espera", "Expected"),
    "batch_whole_row": ("toda la fila", "the whole row"),
    "batch_empty": ("vacío", "empty"),
    "batch_unseen": (
        "{feature}: el entrenamiento no vio {values}; para el modelo es como si no se supiera.",
        "{feature}: the training has not seen {values}; they count as not known.",
    ),
}

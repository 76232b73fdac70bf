"""Texts that more than one page shows."""

# key: (Spanish, English)
TEXTS = {
    "nav_this_week": ("Esta semana", "This week"),
    "nav_customer": ("Cliente", "Customer"),
    "nav_campaign": ("Campañas", "Campaigns"),
    "nav_batch": ("Lote", "Batch"),
    "nav_model": ("Modelo", "Model"),
    "nav_monitoring": ("Monitoreo", "Monitoring"),
    "language": ("Idioma / Language", "Idioma / Language"),
    "loading": ("Cargando el modelo…", "Loading the model…"),
    "no_snapshots": (
        "Todavía no hay variables calculadas. Para calcularlas: `airflow dags test churn_feature_build_w 2019-05-26`.",
        "No features have been built yet. To build them: `airflow dags test churn_feature_build_w 2019-05-26`.",
    ),
    "no_model": (
        "Todavía no hay un modelo {name} en Production. Para entrenarlo: `airflow dags test churn_train_register_m 2019-05-31`.",
        "There is no {name} model in Production yet. To train it: `airflow dags test churn_train_register_m 2019-05-31`.",
    ),
    "mlflow_down": (
        "MLflow no responde en {address}. ¿Está encendido? `make local-ps` (procesos) o `make ps` (contenedores).",
        "MLflow does not answer at {address}. Is it running? `make local-ps` (processes) or `make ps` (containers).",
    ),
    "bad_model": (
        "La versión {version} del modelo no se puede usar en esta página: {reason}",
        "Version {version} of the model cannot be used on this page: {reason}",
    ),
    "database_down": (
        "PostgreSQL no responde en {address}. ¿Está encendido? `make local-ps` (procesos) o `make ps` (contenedores).",
        "PostgreSQL does not answer at {address}. Is it running? `make local-ps` (processes) or `make ps` (containers).",
    ),
    "database_refused": (
        "PostgreSQL en {address} no aceptó la conexión de {user}. Revisá su contraseña en `.env`.",
        "PostgreSQL at {address} refused the connection of {user}. Check its password in `.env`.",
    ),
    "database_not_ready": (
        "La base {database} no tiene las tablas que esta página lee. Para crearlas: `make seed`.",
        "Database {database} lacks the tables that this page reads. To create them: `make seed`.",
    ),
    "database_error": ("PostgreSQL no pudo responder: {reason}", "PostgreSQL could not answer: {reason}"),
    "bad_settings": ("Variable de entorno {variable}: {reason}", "Environment variable {variable}: {reason}"),
    "unexpected": (
        "La página falló de forma inesperada ({kind}). El detalle está en su registro: `make local-logs` o `make logs`.",
        "The page failed unexpectedly ({kind}). Details are in its log: `make local-logs` or `make logs`.",
    ),
    "unknown": ("no se sabe", "not known"),
    "alert": ("1 alerta del monitoreo al {snapshot}", "1 monitoring alert at {snapshot}"),
    "alerts": ("{count} alertas del monitoreo al {snapshot}", "{count} monitoring alerts at {snapshot}"),
    "alert_drift": (
        "**{subject}** ya no se distribuye como en el entrenamiento: {detail}. Si los clientes cambiaron, hay que entrenar de nuevo (`churn_train_register_m`); si un archivo está mal, cargar uno corregido con `make seed`.",
        "**{subject}** is no longer distributed as in the training: {detail}. If customers have changed, train again (`churn_train_register_m`); if a file is wrong, load a corrected one with `make seed`.",
    ),
    "alert_share_unknown": (
        "**{subject}** se desconoce para otra parte de los clientes que en el entrenamiento: {detail}. Cargá un archivo completo con `make seed` y calculá de nuevo las variables.",
        "**{subject}** is unknown for another share of the customers than in the training: {detail}. Load a complete file with `make seed` and build the features again.",
    ),
    "alert_calibration": (
        "Las probabilidades prometen más o menos abandono del que hubo: {detail}. Hay que entrenar con cortes más nuevos: `churn_train_register_m`.",
        "The probabilities promise more or less churn than there was: {detail}. Train on newer snapshots: `churn_train_register_m`.",
    ),
    "alert_roc_auc": (
        "El modelo ordena a los clientes peor que cuando se entrenó: {detail}. Hay que entrenar con cortes más nuevos: `churn_train_register_m`.",
        "The model ranks customers worse than when it was trained: {detail}. Train on newer snapshots: `churn_train_register_m`.",
    ),
    "alert_volume": (
        "La cantidad de clientes cambió de una semana a la otra: {detail}. Revisá las cargas de PAYMENTS.csv en `ops.raw_loads`.",
        "The number of customers changed within a week: {detail}. Check the loads of PAYMENTS.csv in `ops.raw_loads`.",
    ),
    "alert_load": (
        "Carga de **{subject}**: {detail}. Mirá `ops.raw_rejects` y cargá un archivo corregido con `make seed`.",
        "Load of **{subject}**: {detail}. See `ops.raw_rejects` and load a corrected file with `make seed`.",
    ),
    "alert_run_that_did_not_happen": (
        "Una corrida de **{subject}** no se hizo: {detail}. Hacela en Airflow.",
        "A run of **{subject}** did not happen: {detail}. Start it in Airflow.",
    ),
    "alert_months_behind": (
        "**{subject}**: están atrasados respecto del corte: {detail}. Cargá los de una extracción más nueva con `make seed`; después calculá las variables y los puntajes de nuevo.",
        "**{subject}** are behind the snapshot: {detail}. Load those of a newer extraction with `make seed`; then build the features and score again.",
    ),
    "alert_age_in_days": (
        "La versión en Production es vieja: {detail}. Mirá en la página Modelo por qué no hay una más nueva, o entrená: `churn_train_register_m`.",
        "The version in Production is old: {detail}. See on the page Model why there is no newer one, or train: `churn_train_register_m`.",
    ),
    "alert_other": (
        "{check}, **{subject}**: {detail}. Qué hacer: `what_to_do` en `ops.monitoring`.",
        "{check}, **{subject}**: {detail}. What to do: `what_to_do` in `ops.monitoring`.",
    ),
    "as_of_snapshot": ("Al {value}", "As of {value}"),
    "as_of_version": ("modelo versión {value}", "model version {value}"),
    "as_of_scored": ("puntajes del {value} UTC", "scored {value} UTC"),
    "as_of_known": ("pagos conocidos hasta el {value}", "payments known through {value}"),
}

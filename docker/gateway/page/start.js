// The state of each service, asked through the gateway every ten seconds.
const { up, down } = document.body.dataset;

async function answers(path) {
  try {
    const answer = await fetch(path, { cache: "no-store" });
    if (!answer.ok) return false;
    // Airflow answers with the state of each of its parts; those that it does not have are null.
    const parts = path.endsWith("airflow") ? Object.values(await answer.json()) : [];
    return parts.every(({ status }) => [null, "healthy"].includes(status));
  } catch {
    return false;
  }
}

async function show(place) {
  const well = await answers(place.dataset.health);
  const text = well ? up : down;
  if (place.textContent !== text) place.textContent = text; // a screen reader says it again whenever it is set
  place.className = `state ${well ? "up" : "down"}`;
}

function showAll() {
  document.querySelectorAll("[data-health]").forEach(show);
}

showAll();
setInterval(showAll, 10000);

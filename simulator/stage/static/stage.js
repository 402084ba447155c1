// A bare page: the state as it is, until the stage is drawn.
const shown = document.getElementById("state");
const source = new EventSource("/api/events");
source.addEventListener("state", (event) => {
  shown.textContent = JSON.stringify(JSON.parse(event.data), null, 2);
});

// The button that prints the hand-out.

document.getElementById("print").addEventListener("click", () => window.print());

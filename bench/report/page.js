// The colours: as the system has them, or as the reader chose; remembered where the browser allows it.
(function () {
  "use strict";
  var key = "megabed-report-theme", choices = ["auto", "light", "dark"];
  function stored() {
    try { return localStorage.getItem(key); } catch (error) { return null; }
  }
  function remember(theme) {
    try { localStorage.setItem(key, theme); } catch (error) { /* Only this page then. */ }
  }
  var theme = choices.indexOf(stored()) > 0 ? stored() : "auto";
  function show() {
    if (theme === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", theme);
    var button = document.getElementById("theme");
    if (button) {
      button.textContent = theme;
      button.setAttribute("aria-label", "Colours: " + (theme === "auto" ? "as the system" : theme));
    }
  }
  show();
  document.addEventListener("DOMContentLoaded", function () {
    show();
    document.getElementById("theme").addEventListener("click", function () {
      theme = choices[(choices.indexOf(theme) + 1) % choices.length];
      remember(theme);
      show();
    });
    // The contents stand open beside the page where there is room, and folded above it where there is none.
    var contents = document.querySelector("#contents details"), wide = matchMedia("(min-width: 1240px)");
    function fold() { contents.open = wide.matches; }
    fold();
    wide.addEventListener("change", fold);
    // A printed page has nothing to open: the study's file and the tables of the reproduction are shown.
    addEventListener("beforeprint", function () {
      document.querySelectorAll("#reproduction details").forEach(function (part) { part.open = true; });
    });
  });
}());

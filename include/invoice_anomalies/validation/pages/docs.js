// What the pages of a night need: parts that fold, and a filter for what failed. Without it all is shown.
"use strict";
document.documentElement.classList.add("js");

for (const link of document.querySelectorAll('[data-toggle="collapse"]')) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const shown = document.getElementById(link.getAttribute("href").slice(1)).classList.toggle("show");
    link.setAttribute("aria-expanded", String(shown));
  });
}

function hide(element, hidden) {
  if (element) element.classList.toggle("filtered", hidden);
}

for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => {
    const failedOnly = button.dataset.show === "failed";
    for (const other of document.querySelectorAll("[data-show]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    for (const each of document.querySelectorAll(".hide-succeeded-validation-target-child")) {
      hide(each.closest("tr"), failedOnly);
    }
    for (const each of document.querySelectorAll(".hide-succeeded-validations-column-section-target-child")) {
      const section = each.closest(".ge-section");
      hide(section, failedOnly);
      if (section) hide(document.querySelector(`aside a[href="#${section.id}"]`), failedOnly);
    }
  });
}

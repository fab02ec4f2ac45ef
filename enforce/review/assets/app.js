// Everything works without this file. It adds keys for officers who decide
// hundreds of cases a day, and renews the parts of a page that are marked live.
"use strict";

document.documentElement.classList.add("scripted");

const typing = (el) => el instanceof HTMLElement && el.matches("input:not([type=radio], [type=checkbox]), select, textarea, video");

// follow moves the focus from row to row of the queue.
function follow(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (rows.length === 0) return;
  const at = rows.indexOf(document.activeElement);
  const next = at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1);
  rows[next].focus();
}

function focusOn(el) {
  const details = el.closest("details");
  if (details) details.open = true;
  el.focus();
  if (el.select) el.select();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const key = CSS.escape(event.key);
  const clicked = document.querySelector(`[data-key="${key}"]`);
  const focused = document.querySelector(`[data-focus-key="${key}"]`);
  if (clicked) clicked.click();
  else if (focused) focusOn(focused);
  else if (event.key === "j") follow(1);
  else if (event.key === "k") follow(-1);
  else return;
  event.preventDefault();
});

// touched says that an officer has begun something in a part of the page: it
// must not be taken away.
function touched(part) {
  const fields = [...part.querySelectorAll("input:not([type=hidden]), textarea, select")];
  return part.contains(document.activeElement) && typing(document.activeElement) ||
    part.querySelector("form details[open], form[data-typed]") !== null ||
    part.querySelector("[role=alert]:not([hidden])") !== null ||
    fields.some((f) => f.matches("select") ? f.selectedIndex > 0 : f.value !== f.defaultValue);
}

// keepPictures moves pictures into the fresh part, so that each shows what it
// did until the newer one is there.
function keepPictures(part, fresh) {
  for (const old of part.querySelectorAll("img[id]")) {
    const img = fresh.querySelector(`#${CSS.escape(old.id)}`);
    if (!img) continue;
    img.replaceWith(old);
    for (const { name, value } of img.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

// renew fetches the page again and puts its live parts in place of ours. The
// scroll position stays, and so do the focus and what is unfolded. The address
// bar may hold a form's address, so the page names its own.
async function renew() {
  const page = document.body.dataset.page;
  const answer = await fetch(page, { headers: { Accept: "text/html", "Tidewatch-Renewed": "1" } });
  if (answer.redirected) return location.replace(page); // signed out meanwhile
  if (!answer.ok) throw new Error(String(answer.status));
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.getElementById(part.id);
    for (const open of part.querySelectorAll("details[open][id]")) other?.querySelector(`#${open.id}`)?.setAttribute("open", "");
    if (!other || other.outerHTML === part.outerHTML || touched(part)) continue;
    const focus = part.contains(document.activeElement) ? document.activeElement.id : "";
    document.adoptNode(other);
    keepPictures(part, other);
    part.replaceWith(other);
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
  }
}

const seconds = Number(document.body.dataset.refresh);
if (seconds > 0) {
  const offline = document.querySelector("[data-offline]");
  setInterval(async () => {
    if (document.hidden) return;
    try {
      await renew();
      offline.hidden = true;
    } catch {
      offline.hidden = false;
    }
  }, seconds * 1000);
}

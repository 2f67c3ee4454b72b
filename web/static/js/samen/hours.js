// @ts-check
/**
 * Choosing a day, an hour and a court: the free hours come when a day is chosen, the courts when an hour is, and who
 * looks along sees what is chosen so far.
 */

export class Hours {
  /**
   * @param {HTMLElement} section
   * @param {(words: string) => void} say
   * @param {() => void} painted after hours came: perhaps one of them is what staff points at
   * @param {() => void} lost they did not
   */
  constructor(section, say, painted, lost) {
    this.section = section;
    this.say = say;
    this.painted = painted;
    this.lost = lost;
    /** @type {Map<Element, object>} where hours are on their way, and the last request for them */
    this.awaited = new Map();
    section.addEventListener("change", (event) => void this.changed(event.target));
  }

  /** After the panel came anew: a day that was chosen before has its hours, also after the page was loaded again. */
  paint() {
    for (const form of this.section.querySelectorAll("form[data-hours]")) {
      const place = this.place(form);
      const day = place?.dataset.day ?? "";
      if (place && day && !place.firstChild && !this.awaited.has(place)) void this.load(/** @type {HTMLFormElement} */ (form), day);
    }
  }

  /** @param {Element} form */
  place(form) {
    return document.getElementById(form.getAttribute("data-hours") ?? "");
  }

  /** @param {EventTarget | null} field */
  async changed(field) {
    if (!(field instanceof HTMLSelectElement || field instanceof HTMLInputElement) || !field.form) return;
    const form = field.form;
    if (form.dataset.hours && field.name === "dag") {
      if (!field.value) this.clear(form);
      else await Promise.all([this.tell(form), this.load(form, field.value)]);
    } else if (form.dataset.choice) {
      if (field.name === "uur") this.showCourts(form, field.value);
      // Who goes through the hours with the keyboard keeps them in sight.
      if (field.name === "uur" && !field.matches(":focus-visible")) {
        form.querySelector('[data-field="reserveer"]')?.scrollIntoView({ block: "nearest" });
      }
      await this.tell(form);
    }
  }

  /**
   * No day is chosen any more, and what is on its way is for nobody.
   * @param {HTMLFormElement} form
   */
  clear(form) {
    const place = this.place(form);
    if (!place) return;
    this.awaited.delete(place);
    place.dataset.day = "";
    place.ariaBusy = "false";
    place.replaceChildren();
  }

  /**
   * Only the answer to the last request is painted: another would take away what somebody chooses in it.
   * @param {HTMLFormElement} form
   * @param {string} day
   */
  async load(form, day) {
    const place = this.place(form);
    if (!place) return;
    // Hours of the day before are none of this one: who is quick would choose among them, and lose it.
    if (place.dataset.day !== day) place.replaceChildren();
    place.dataset.day = day;
    place.ariaBusy = "true";
    const request = {};
    this.awaited.set(place, request);
    try {
      const response = await fetch(`${form.getAttribute("action")}?dag=${day}&deel=1`, { cache: "no-store" });
      if (!response.ok) throw new Error(String(response.status));
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (this.awaited.get(place) !== request) return;
      place.replaceChildren(...[...page.body.children].map((each) => document.importNode(each, true)));
      const made = place.querySelector("form");
      if (made) this.showCourts(made, String(new FormData(made).get("uur") ?? ""));
      this.painted();
      this.say(place.querySelector("legend, .field-error, p")?.textContent?.trim() ?? "");
    } catch {
      if (this.awaited.get(place) !== request) return;
      place.replaceChildren();
      this.lost();
    } finally {
      if (this.awaited.get(place) === request) {
        place.ariaBusy = "false";
        this.awaited.delete(place);
      }
    }
  }

  /**
   * @param {HTMLFormElement} form
   * @param {string} hour
   */
  showCourts(form, hour) {
    for (const courts of form.querySelectorAll("fieldset[data-hour]")) {
      const its = courts.getAttribute("data-hour") === hour;
      courts.toggleAttribute("hidden", !its);
      const inputs = /** @type {NodeListOf<HTMLInputElement>} */ (courts.querySelectorAll("input"));
      for (const each of inputs) {
        if (!its) each.checked = false;
        else if (inputs.length === 1) each.checked = true;
      }
    }
    const done = form.querySelector('[data-field="reserveer"]');
    done?.toggleAttribute("hidden", hour === "");
  }

  /**
   * What is chosen so far, for who looks along.
   * @param {HTMLFormElement} form
   */
  async tell(form) {
    const sent = new URLSearchParams();
    for (const [name, value] of new FormData(form)) sent.append(name, String(value));
    const court = form.querySelector("input[name=tijd]:checked");
    if (court instanceof HTMLElement) sent.append("naam", court.dataset.name ?? "");
    try {
      await fetch(form.dataset.choice ?? "", { method: "POST", body: sent });
    } catch {
      // Who looks along sees it a little later: at the reservation.
    }
  }
}

// @ts-check
/**
 * My photo: the middle of a picture, small, before it leaves this device.  So nobody sends megabytes, and what a camera
 * writes into its files, such as where it was, stays here.
 */

const SIDE = 320;
const QUALITY = 0.85;

const form = /** @type {HTMLFormElement} */ (document.getElementById("photo"));
const file = /** @type {HTMLInputElement} */ (document.getElementById("photo-file"));
const field = /** @type {HTMLInputElement} */ (document.getElementById("foto"));
const problem = /** @type {HTMLElement} */ (document.getElementById("photo-problem"));

/** @param {File} chosen */
async function shrink(chosen) {
  const picture = await createImageBitmap(chosen);
  const side = Math.min(picture.width, picture.height);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  return canvas.toDataURL("image/jpeg", QUALITY);
}

form.hidden = false;
file.addEventListener("change", async () => {
  const chosen = file.files?.[0];
  problem.hidden = true;
  field.value = "";
  if (!chosen) return;
  try {
    field.value = await shrink(chosen);
  } catch {
    problem.hidden = false; // not a picture that this browser knows
    file.value = "";
  }
});

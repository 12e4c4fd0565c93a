// A form whose button is paid for: Enter in one of its fields ends what is written there, and orders nothing.

/** For the form's onKeyDown. @param {KeyboardEvent} event */
export function orderNothing(event) {
  const field = /** @type {HTMLElement} */ (event.target);
  if (event.key === "Enter" && field.matches("input:not([type=file])")) event.preventDefault();
}

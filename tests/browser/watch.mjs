// Watches what a page does while a test uses it, and complains of everything that a page of ours has no reason to do:
// breaking its Content-Security-Policy, errors in scripts and on the console, and asking any other origin for anything.

export class Watch {
  #page;
  #origin;
  #expected = [];
  #found = [];

  static async begin(page) {
    const watch = new Watch();
    watch.#page = page;
    const context = page.context();
    context.on('console', message => {
      if (['error', 'warning'].includes(message.type())) watch.#complain(`console: ${message.text()} ${message.location().url}`);
    });
    context.on('weberror', error => watch.#complain(`script: ${error.error().message}`));
    context.on('request', request => watch.#look(request.url()));
    await context.exposeFunction('complainOfPolicy', words => watch.#complain(`policy: ${words}`));
    await context.addInitScript(() => document.addEventListener('securitypolicyviolation', event =>
      window.complainOfPolicy(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`)));
    return watch;
  }

  // Opens a page, whose origin is the only one that may be asked from then on.
  async visit(url) {
    this.#origin = new URL(url).origin;
    return this.#page.goto(url);
  }

  // A complaint that a test means to cause: a browser calls each answer from 400 on an error.
  expect(pattern) {
    this.#expected.push(pattern);
  }

  // All complaints until now; what is under way in the page comes first.
  async complaints() {
    await this.#page.evaluate(() => new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve))));
    return this.#found;
  }

  #look(url) {
    const { origin, protocol } = new URL(url);
    if (origin !== this.#origin && !['data:', 'blob:'].includes(protocol)) this.#complain(`origin: ${url}`);
  }

  #complain(words) {
    if (!this.#expected.some(pattern => pattern.test(words))) this.#found.push(words);
  }
}

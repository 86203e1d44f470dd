// Signing in with a key. It stays with this tab and is gone when that is closed.
import { hasKey, setKey } from './api.js';
import { html, useEffect, useRef, useState } from './runtime.js';

export function SignIn() {
  const [text, setText] = useState('');
  const wrong = hasKey();
  const input = useRef(null);
  useEffect(() => { input.current.focus(); }, []);
  const submit = event => {
    event.preventDefault();
    if (text.trim() !== '') setKey(text);
  };
  return html`
    <div class="sign-in">
      <h1>This service needs a key</h1>
      <p>Keys are made with <code>usertrail keys create</code>. This one stays in this tab, and is gone when the tab is closed.</p>
      <form onSubmit=${submit}>
        <label for="key">Key</label>
        <input id="key" ref=${input} type="password" autocomplete="off" spellcheck=${false} value=${text}
          aria-invalid=${wrong ? 'true' : 'false'} aria-describedby=${wrong ? 'key-wrong' : undefined}
          onInput=${event => setText(event.target.value)} />
        ${wrong && html`<p class="field-error" id="key-wrong" role="alert">Nobody here has this key, or its time is over.</p>`}
        <button type="submit" class="primary">Sign in</button>
      </form>
    </div>`;
}

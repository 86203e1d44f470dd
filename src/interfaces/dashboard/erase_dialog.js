// Erasing a user cannot be taken back, so that the id has to be written before it is done.
import { useDeed } from './answer.js';
import { addressOf, send } from './api.js';
import { Failure, copyText, formatNumber, tell } from './parts.js';
import { html, useEffect, useRef, useState } from './runtime.js';

function Receipt({ receipt }) {
  const text = JSON.stringify(receipt, null, 2);
  const copy = async () => {
    await copyText(text);
    tell('The receipt is copied');
  };
  return html`
    <p role="status">${formatNumber(receipt.erased)} activities and ${formatNumber(receipt.refused)} refused entries are erased.
      This is the receipt; it is not shown again.</p>
    <pre tabindex="0" aria-label="Receipt">${text}</pre>
    <ul class="out-of-reach">${receipt.outOfReach.map(({ what, detail }) => html`<li><strong>${what}</strong> ${detail}</li>`)}</ul>
    <button type="button" onClick=${copy}>Copy the receipt</button>`;
}

export function EraseDialog({ userId, onErased, onClose }) {
  const dialog = useRef(null);
  const [written, setWritten] = useState('');
  const [receipt, setReceipt] = useState(null);
  const [{ busy, error }, erase] = useDeed(async () => {
    setReceipt(await (await send(addressOf('api/v1/users', [['userId', userId]]), { method: 'DELETE' })).json());
  });
  useEffect(() => { dialog.current.showModal(); }, []);
  const closed = () => {
    if (receipt) onErased();
    onClose();
  };
  const submit = event => {
    event.preventDefault();
    if (written === userId && !busy) erase();
  };
  return html`
    <dialog class="modal" ref=${dialog} aria-labelledby="erase-heading" onClose=${closed}>
      <h2 id="erase-heading">Erase <bdi>${userId}</bdi></h2>
      ${receipt ? html`<${Receipt} receipt=${receipt} />` : html`
        <p>All activities of this user that were received so far leave every answer at once, and so do the refused ones. Nothing
          brings them back.</p>
        <form onSubmit=${submit}>
          <label for="erase-id">Write the id of the user to erase</label>
          <input id="erase-id" value=${written} autocomplete="off" spellcheck=${false} onInput=${event => setWritten(event.target.value)} />
          <button type="submit" class="danger" disabled=${written !== userId || busy}>Erase this user</button>
        </form>`}
      ${error && html`<${Failure} error=${error} />`}
      <button type="button" onClick=${() => dialog.current.close()}>${receipt ? 'Close' : 'Cancel'}</button>
    </dialog>`;
}

/* main - starts the console. */
import { render } from 'preact';
import { App } from './app';
import { startLive } from './api/live';
import { startPending } from './api/pending';
import { startSession } from './login';
import { startRouter } from './router';
import { onKey } from './ui/keys';
import { scriptUrl } from './ui/trusted';

startRouter();
addEventListener('keydown', onKey);
startLive();
startPending();
void startSession();
render(<App />, document.getElementById('app')!);
if ('serviceWorker' in navigator && isSecureContext)
    navigator.serviceWorker.register(scriptUrl('/sw.js')).catch(() => { /* without it there is no offline shell, and that is all */ });

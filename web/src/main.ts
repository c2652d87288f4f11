import { bootstrapApplication } from '@angular/platform-browser';
import { appConfig } from './app/app.config';
import { App } from './app/shell/app';
import { FirstView } from './app/ui/first-view';

const app = await bootstrapApplication(App, appConfig);
await app.injector.get(FirstView).replace();
if ('serviceWorker' in navigator && location.hostname !== '' && !location.port.startsWith('42')) {
  void navigator.serviceWorker.register('/sw.js');
}

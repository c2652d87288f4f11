import { bootstrapApplication } from '@angular/platform-browser';
import { appConfig } from './app/app.config';
import { App } from './app/shell/app';

await bootstrapApplication(App, appConfig);
if ('serviceWorker' in navigator && location.hostname !== '' && !location.port.startsWith('42')) {
  void navigator.serviceWorker.register('/sw.js');
}

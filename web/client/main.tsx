/** Starts the console's client. */
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/shell.css';
import './styles/traffic.css';
import './styles/detail.css';
import './styles/pages.css';
import './styles/policy.css';
import './styles/deploy.css';
import './styles/manual.css';

const root = document.getElementById('root');
if (root !== null) createRoot(root).render(<App />);

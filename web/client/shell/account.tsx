/** Who is signed in, with which roles, and the way out. */
import { Icon } from '../parts/icon.tsx';
import { Menu } from '../parts/menu.tsx';
import { Moment } from '../parts/moment.tsx';
import { navigate } from '../router.ts';
import { useSession } from '../state/session.tsx';

export function Account({ help }: { help: () => void }) {
  const { me, version, signOut } = useSession();
  return (
    <Menu
      className="button button-quiet account"
      title={`Signed in as ${me.name}`}
      label={
        <>
          <Icon name="user" />
          <span className="account-name">{me.name}</span>
        </>
      }
    >
      {close => (
        <div className="account-panel">
          <p>
            <strong>{me.name}</strong>
            <br />
            {me.roles.join(', ')}
          </p>
          <p className="fine">
            Session ends <Moment at={me.expires} form="medium" />
          </p>
          {version === '' ? null : <p className="fine">Sightglass {version}</p>}
          <button
            type="button"
            className="button"
            onClick={() => {
              close();
              navigate('/account');
            }}
          >
            Your account
          </button>
          <button
            type="button"
            className="button"
            onClick={() => {
              close();
              help();
            }}
          >
            Keys and search
          </button>
          <button type="button" className="button" onClick={signOut}>
            Log out
          </button>
        </div>
      )}
    </Menu>
  );
}
